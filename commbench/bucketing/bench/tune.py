"""The tuning sweep: every build and tile size at the workloads that pull in different directions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import exp, log

from commbench.bucketing.bench.case import Case
from commbench.bucketing.bench.measure import Protocol
from commbench.bucketing.bench.ours import Ours
from commbench.bucketing.bench.run import End, Run, Say, WhyStop, device_of, measure_all, never, versions
from commbench.bucketing.bench.work import Direction, Work, workload
from commbench.bucketing.build import KernelBuild
from commbench.errors import UnfitError
from commbench.model.gradients import DDP_25MIB

# Design, section 5, minutes 2 to 4.5: shared/design/kernel.md.
_WORKERS = (32, 256)
_TILE_COUNTS = (1024, 2048, 4096, 8192)
_BLOCKS = (2, 4, 8)
_INFLIGHT_BYTES = (32, 64, 128)
_EVICT_FIRST = (True, False)
WORKLOADS = ("gpt2", DDP_25MIB, "tiny_10000")
_AT_A_TIME = 12  # builds whose buckets are in memory together and take turns
_PROTOCOL = Protocol(rounds=3, iterations=8, cold_bytes=128 * 2**20)  # twice an H200's L2: 432 cases in minutes


@dataclass(frozen=True, slots=True)
class Choice:
    """A build and a tile size, and its cold time over the default's: the geometric mean over the workloads."""

    tuning: dict[str, int | bool]
    time_ratio: float


def candidates() -> Iterator[Ours]:
    """Yield ours with every choice to try, the default first."""
    yield Ours()
    every = product(_TILE_COUNTS, _WORKERS, _BLOCKS, _INFLIGHT_BYTES, _EVICT_FIRST)
    for tile_count, worker, blocks, inflight_bytes, evict_first in every:
        yield Ours(KernelBuild(worker, blocks, inflight_bytes, evict_first), tile_count)


def tune(device_name: str, say: Say, why_stop: WhyStop = never) -> Run:
    """Time every candidate at each workload, float32 tensors, scaled, to bfloat16, until there is a reason to stop.

    Raises:
        UnfitError: there is no GPU; a CPU has no build to tune.
    """
    device = device_of(device_name)
    if device.type != "cuda":
        raise UnfitError("tuning builds the kernel for a GPU and torch finds none here; run it where there is one")
    works = [Work(workload(name), Direction.PACK, "float32", "bfloat16", is_scaled=True) for name in WORKLOADS]
    cases: list[Case] = []
    tried = list(candidates())
    for first in range(0, len(tried), _AT_A_TIME):
        some = tried[first : first + _AT_A_TIME]
        found, end = measure_all(works, some, device, _PROTOCOL, say, why_stop=why_stop, has_earlier=bool(cases))
        cases += found
        if end.left_out:
            words = f"the last {len(tried) - first} of {len(tried)} choices were not all measured: {end.left_out}"
            return Run(device.type, tuple(cases), _PROTOCOL.cold_bytes, versions(), End(words, end.exit_code))
    return Run(device.type, tuple(cases), _PROTOCOL.cold_bytes, versions())


def ranked(cases: Sequence[Case]) -> list[Choice]:
    """Return the choices that were right and timed at every workload, the quickest first."""
    times: dict[tuple[tuple[str, int | bool], ...], dict[Work, float]] = {}
    for case in cases:
        if case.times is not None:
            times.setdefault(tuple(case.tuning.items()), {})[case.work] = case.times.cold_median_ns
    default = times.get((), {})
    choices = [
        Choice(dict(tuning), _mean_ratio(of_work, default))
        for tuning, of_work in times.items()
        if default and of_work.keys() == default.keys()
    ]
    return sorted(choices, key=lambda each: each.time_ratio)


def _mean_ratio(times: dict[Work, float], default: dict[Work, float]) -> float:
    return exp(sum(log(times[work] / default[work]) for work in default) / len(default))
