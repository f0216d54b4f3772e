"""What measuring a point gives: samples, the correctness verdict and how it ended."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from commbench.model.point import Point

if TYPE_CHECKING:
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

    Both arrays are int64 nanoseconds of shape (ranks, calls): when each rank entered the call and when it
    had the result, each on that rank's own clock, counted from the rank's first stamp of the point.
    """

    enter_ns: "NDArray[np.int64]"
    exit_ns: "NDArray[np.int64]"

    @property
    def rank_time_ns(self) -> "NDArray[np.int64]":
        """Return each rank's own duration of each call, shape (ranks, calls)."""
        return self.exit_ns - self.enter_ns

    @property
    def time_ns(self) -> "NDArray[np.int64]":
        """Return the time of each call: the maximum over ranks of the same call, shape (calls,)."""
        duration_ns: NDArray[np.int64] = self.rank_time_ns.max(axis=0)
        return duration_ns


@dataclass(frozen=True, slots=True)
class PointResult:
    """One attempt at a point.

    `samples` is None unless calls were timed; `hosts` names the host of each rank that took part;
    `started_at_ns` is Unix time. `timer` is the clock's name, `first_call_us` the cost of the very first call.
    """

    point: Point
    attempt: int
    status: Status
    started_at_ns: int
    error: str = ""
    correctness: Correctness = Correctness()
    samples: Samples | None = None
    warmup_iterations: int = 0
    visits: int = 0
    stopping: str = ""
    converged: bool = True
    first_call_us: float | None = None
    timer: str = ""
    timer_resolution_ns: float = 0.0
    hosts: tuple[str, ...] = ()
