"""Why a result is unstable, and which command to run next. In the manner of pyperf's `check`."""

from commbench.doctor.tenants import NOISY_SHARE, STOLEN_SHARE
from commbench.environment.noise import Noise

_SPREAD_LAUNCHES = 0.05  # launches that differ by more disagree about the third digit, whatever each one claims


def explain(
    noise: Noise | None,
    *,
    converged: bool,
    ranks_per_core: float = 0.0,
    launch_spread: float = 0.0,
    is_steady: bool = True,
    lacks_launches: bool = False,
) -> tuple[str, ...]:
    """Return a sentence with a next step for everything that makes a result unstable; none when it is sound.

    `ranks_per_core` is 0 when unknown, `launch_spread` the range of the launches' medians as a share of the median.
    """
    reasons = [
        *_from_noise(noise),
        *_from_ranks(ranks_per_core),
        *_from_launches(launch_spread),
    ]
    if lacks_launches:
        reasons.append("Launches differ by themselves, so fewer than three say little of the system: launches = 3.")
    if not is_steady:
        reasons.append("It never became steady during warm-up: raise warmup_iterations, and see `commbench doctor`.")
    if not converged and not reasons:
        reasons.append(
            "It did not converge, and nothing on this host explains why: raise the caps in the suite (budget_s and "
            "max_visits: whichever comes first ends a point), run `commbench doctor` on the other hosts, and look at "
            "the slow calls' causes in `commbench show --tail`."
        )
    return tuple(reasons)


def _from_noise(noise: Noise | None) -> list[str]:
    if noise is None:
        return []
    reasons = []
    if noise.others_share is not None and noise.others_share >= NOISY_SHARE:
        reasons.append(
            f"Other tenants used {noise.others_share:.0%} of the CPUs: `commbench doctor` names them; stop them, "
            "or keep them off the ranks' cores with `taskset -c`."
        )
    if noise.steal_share is not None and noise.steal_share >= STOLEN_SHARE:
        reasons.append(
            f"The hypervisor took {noise.steal_share:.0%} of the CPUs: use dedicated ones, or several launches at "
            "different times (launches in the suite)."
        )
    if noise.throttled_s > 0:
        reasons.append(
            f"A CPU quota stopped the ranks for {noise.throttled_s:.1f} s: raise the container's limit "
            "(docker --cpus, Kubernetes limits.cpu); `commbench doctor` shows it."
        )
    return reasons


def _from_ranks(ranks_per_core: float) -> list[str]:
    if ranks_per_core <= 1:
        return []
    return [
        f"Ranks share cores ({ranks_per_core:.2g} per core) and wait for each other's turns: run with fewer (--ranks), "
        "or on more hosts."
    ]


def _from_launches(spread: float) -> list[str]:
    if spread <= _SPREAD_LAUNCHES:
        return []
    return [
        f"Launches differ by {spread:.0%}, more than the calls within one: take more of them (launches = 5 in the "
        "suite), and pin ranks to cores."
    ]
