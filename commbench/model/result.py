"""What measuring a point gives: samples, the correctness verdict and how it ended."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from commbench.model.evidence import Evidence
from commbench.model.point import Point

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray


class Status(StrEnum):
    """How a point ended."""

    OK = "ok"
    WRONG = "wrong_result"  # measured, but the data was wrong
    SKIPPED = "skipped"  # never tried, for a reason known beforehand
    ERROR = "error"  # a rank raised or died
    TIMEOUT = "timeout"  # the point's time limit passed

    @property
    def is_final(self) -> bool:
        """Return whether a resumed run leaves this point alone."""
        return self not in {Status.ERROR, Status.TIMEOUT}


@dataclass(frozen=True, slots=True)
class Correctness:
    """The verdict over all ranks of one verified call: how many elements are wrong, and the first of them."""

    wrong_count: int = 0
    rank: int = -1
    index: int = -1
    expected: float = 0.0
    got: float = 0.0

    @property
    def is_right(self) -> bool:
        """Return whether every element was right."""
        return self.wrong_count == 0


@dataclass(frozen=True, slots=True)
class Samples:
    """The stamps of all timed calls of a point.

    All arrays are int64 nanoseconds of shape (ranks, calls). `enter_ns` and `exit_ns` say when each rank entered the
    call and when it had the result, on rank 0's clock within the result's `clock_bound_ns`. `wait_ns` says how long
    the rank's threads were ready to run but did not, from before the call to after it; None when nobody looked.
    Where a call has parts, `packed_ns` says when each rank had packed and `communicated_ns` when it had what the
    collective brought; else both are None.
    """

    enter_ns: "NDArray[np.int64]"
    exit_ns: "NDArray[np.int64]"
    wait_ns: "NDArray[np.int64] | None" = None
    packed_ns: "NDArray[np.int64] | None" = None
    communicated_ns: "NDArray[np.int64] | None" = None

    @property
    def rank_time_ns(self) -> "NDArray[np.int64]":
        """Return each rank's own duration of each call, shape (ranks, calls)."""
        return self.exit_ns - self.enter_ns

    @property
    def time_ns(self) -> "NDArray[np.int64]":
        """Return the time of each call: the maximum over ranks of the same call, shape (calls,)."""
        duration_ns: NDArray[np.int64] = self.rank_time_ns.max(axis=0)
        return duration_ns

    def joined(self, others: "Sequence[Samples]") -> "Samples":
        """Return these calls followed by those of others, on the same ranks."""
        import numpy as np

        all_calls = [each.stacked() for each in (self, *others)]
        return Samples(*np.concatenate(all_calls, axis=2))

    def stacked(self) -> "NDArray[np.int64]":
        """Return the arrays as one of shape (3, ranks, calls), or (5, ranks, calls) where calls have parts.

        Waits that nobody looked at are zero.
        """
        import numpy as np

        waits = np.zeros_like(self.enter_ns) if self.wait_ns is None else self.wait_ns
        parts = [each for each in (self.packed_ns, self.communicated_ns) if each is not None]
        return np.stack([self.enter_ns, self.exit_ns, waits, *parts])

    def moved(self, convert: "Callable[[NDArray[np.int64]], NDArray[np.int64]]") -> "Samples":
        """Return the same calls with every stamp converted, as from one clock to another."""
        names = ("enter_ns", "exit_ns", "packed_ns", "communicated_ns")
        stamps = {name: getattr(self, name) for name in names}
        return replace(self, **{name: convert(each) for name, each in stamps.items() if each is not None})


@dataclass(frozen=True, slots=True)
class PointResult:
    """One attempt at a point.

    `samples` is None unless calls were timed; `visit_calls` says how many of them each visit made, and `span_s` the
    wall time from the first visit to the last. `hosts` names the host of each rank that took part; `started_at_ns` is
    Unix time. `timer` is the clock's name, `first_call_us` the cost of the very first call, `overhead_ns` what an
    empty call is measured as. `clock_bound_ns` bounds the error of stamps between ranks, None when the ranks' clocks
    have nothing to do with each other. `others_share` and `steal_share` are what others and the hypervisor had of the
    host's CPU time; a quota cut `throttled_s` off. `evidence` says whether the fabric that was asked for carried the
    bytes, None when nobody looked.
    """

    point: Point
    attempt: int
    status: Status
    started_at_ns: int
    error: str = ""
    correctness: Correctness = Correctness()
    samples: Samples | None = None
    warmup_iterations: int = 0
    is_steady: bool = True
    visit_calls: tuple[int, ...] = ()
    verified_calls: int = 0
    stopping: str = ""
    converged: bool = True
    span_s: float = 0.0
    clock_bound_ns: int | None = None
    overhead_ns: int | None = None
    others_share: float | None = None
    steal_share: float | None = None
    throttled_s: float | None = None
    first_call_us: float | None = None
    timer: str = ""
    timer_resolution_ns: float = 0.0
    hosts: tuple[str, ...] = ()
    evidence: Evidence | None = None
