import pytest

from commbench.doctor.advice import explain
from commbench.environment.noise import Noise

QUIET = Noise(0.01, 0.0, 0.0)


def test_a_sound_result_needs_no_words() -> None:
    assert explain(QUIET, converged=True, ranks_per_core=1.0, launch_spread=0.01) == ()
    assert explain(None, converged=True) == ()


@pytest.mark.parametrize(
    ("noise", "facts", "words", "next_step"),
    [
        (Noise(0.35, 0.0, 0.0), {}, "Other tenants used 35% of the CPUs", "commbench doctor"),
        (Noise(0.0, 0.04, 0.0), {}, "hypervisor took 4%", "dedicated"),
        (Noise(None, None, 0.8), {}, "quota stopped the ranks for 0.8 s", "docker --cpus"),
        (QUIET, {"ranks_per_core": 2.0}, "Ranks share cores (2 per core)", "--ranks"),
        (QUIET, {"launch_spread": 0.12}, "Launches differ by 12%", "launches = 5"),
        (QUIET, {"is_steady": False}, "never became steady", "warmup_iterations"),
        (QUIET, {}, "nothing on this host explains why", "budget_s and max_visits"),
        (QUIET, {}, "nothing on this host explains why", "commbench show --tail"),
    ],
)
def test_every_cause_is_named_with_a_next_step(
    noise: Noise, facts: dict[str, float], words: str, next_step: str
) -> None:
    (sentence,) = explain(noise, converged=False, **facts)  # type: ignore[arg-type]
    assert words in sentence
    assert next_step in sentence
