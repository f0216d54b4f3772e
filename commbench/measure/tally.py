"""What rank 0 knows of one point so far: its visits, its verdicts, and in the end its result."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from commbench.collectives import get
from commbench.environment.noise import Noise
from commbench.measure.stopping import StoppingRule
from commbench.measure.traffic import HostCount
from commbench.model.point import Point
from commbench.model.result import Correctness, PointResult, Samples, Status
from commbench.statistics.headline import decompose

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Opened:
    """What opening a point gave on rank 0: the first call's time, the check, how the warm-up went, a visit's length."""

    first_call_us: float
    verdict: Correctness
    warmup_iterations: int
    is_steady: bool
    visit_calls: int


@dataclass(frozen=True, slots=True)
class Visited:
    """What a visit gave on one rank: how long its calls took there, in ns."""

    time_ns: "NDArray[np.int64]"


@dataclass(frozen=True, slots=True)
class Gathered:
    """What visits gave on all ranks: stamps on rank 0's clock, and how many of the calls were checked."""

    samples: Samples
    clock_bound_ns: int | None
    checked_calls: int
    noise: Noise


@dataclass(frozen=True, slots=True)
class Closed:
    """What closing a point gave: the verdicts on the calls checked among the timed ones, and on one more call.

    `traffic` is what the hosts' links moved; empty where no fabric was asked for.
    """

    during: Correctness
    after: Correctness
    traffic: tuple[HostCount, ...] = ()


@dataclass(slots=True)
class Tally:
    """Everything measured of one point, added up visit by visit."""

    point: Point
    attempt: int
    opened: Opened | None = None
    gathered: list[Gathered] = field(default_factory=list)
    times: "list[NDArray[np.int64]]" = field(default_factory=list)  # one array a visit: see stopping.StoppingRule
    pending: int = 0  # visits whose stamps are still on the ranks
    _started_at_ns: int = field(default_factory=time.time_ns)
    _first_visit: float = 0.0
    _last_visit: float = 0.0

    @property
    def span_s(self) -> float:
        """Return the wall time from the first visit to the last, in seconds."""
        return self._last_visit - self._first_visit

    def add(self, visited: Visited) -> None:
        """Add one visit, as rank 0 saw it."""
        self._last_visit = time.monotonic()
        self._first_visit = self._first_visit or self._last_visit
        self.times.append(visited.time_ns)
        self.pending += 1

    def add_gathered(self, gathered: Gathered) -> None:
        """Add what all ranks saw of the visits that are pending."""
        is_synchronising = get(self.point.collective).is_synchronising
        calls = decompose(gathered.samples, gathered.clock_bound_ns, is_synchronising=is_synchronising)
        first = len(self.times) - self.pending
        ends = list(accumulate(len(visit) for visit in self.times[first:]))
        self.times[first:] = np.split(calls.headline_ns, ends[:-1])
        self.gathered.append(gathered)
        self.pending = 0

    def result(self, closing: Closed, rule: StoppingRule, timer: tuple[str, float], overhead_ns: int) -> PointResult:
        """Return the result of a point that has been opened, visited and closed."""
        assert self.opened is not None, "a point is opened first"  # noqa: S101 - a programming error
        checks = [
            ("before", self.opened.verdict),
            ("during", closing.during),
            ("after", closing.after),
        ]
        when, wrong = next(((when, verdict) for when, verdict in checks if not verdict.is_right), ("", Correctness()))
        bounds = [each.clock_bound_ns for each in self.gathered]
        first, *others = [each.samples for each in self.gathered]
        return PointResult(
            point=self.point,
            attempt=self.attempt,
            status=Status.OK if wrong.is_right else Status.WRONG,
            started_at_ns=self._started_at_ns,
            error="" if wrong.is_right else _describe(wrong, when),
            correctness=wrong,
            samples=first.joined(others),
            warmup_iterations=self.opened.warmup_iterations,
            is_steady=self.opened.is_steady,
            visit_calls=tuple(len(visit) for visit in self.times),
            verified_calls=sum(each.checked_calls for each in self.gathered),
            stopping=rule.name,
            converged=rule.has_converged(self.times),
            span_s=self.span_s,
            clock_bound_ns=None if None in bounds else max(bound for bound in bounds if bound is not None),
            overhead_ns=overhead_ns,
            others_share=_share([(each.noise.others_share, each.noise.elapsed_s) for each in self.gathered]),
            steal_share=_share([(each.noise.steal_share, each.noise.elapsed_s) for each in self.gathered]),
            throttled_s=sum(each.noise.throttled_s for each in self.gathered),
            first_call_us=self.opened.first_call_us,
            timer=timer[0],
            timer_resolution_ns=timer[1],
        )


def _share(parts: Sequence[tuple[float | None, float]]) -> float | None:
    """Return the share over all visits, of shares and seconds: one is too short for the kernel's 10 ms ticks."""
    known = [(share, seconds) for share, seconds in parts if share is not None]
    elapsed_s = sum(seconds for _, seconds in known)
    return sum(share * seconds for share, seconds in known) / elapsed_s if elapsed_s else None


def _describe(wrong: Correctness, when: str) -> str:
    return (
        f"{wrong.wrong_count} wrong elements {when} timing; the first on rank {wrong.rank} at index {wrong.index}: "
        f"expected {wrong.expected:g}, got {wrong.got:g}"
    )
