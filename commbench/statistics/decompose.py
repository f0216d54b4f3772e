"""A call seen by all ranks: makespan T = arrival skew S + latency after the last arrival L."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NO_RANK = -1  # nobody, or nobody that can be named


@dataclass(frozen=True, slots=True)
class CallTimes:
    """Calls reduced over ranks, before any quantile is taken; all arrays are int64 of shape (calls,), times in ns.

    `makespan_ns` (T) is from the first arrival to the last exit, `skew_ns` (S) from the first arrival to the last,
    `latency_ns` (L) from the last arrival to the last exit: T = S + L to the ns. `last_rank` arrived last (the lowest
    when several did) and `exit_rank` left last.
    """

    makespan_ns: "NDArray[np.int64]"
    skew_ns: "NDArray[np.int64]"
    latency_ns: "NDArray[np.int64]"
    last_rank: "NDArray[np.int64]"
    exit_rank: "NDArray[np.int64]"


def on_one_clock(enter_ns: "NDArray[np.int64]", exit_ns: "NDArray[np.int64]") -> CallTimes:
    """Return the calls whose stamps, of shape (ranks, calls), are all on one clock.

    Source: design 2.1.
    """
    first, last, done = enter_ns.min(axis=0), enter_ns.max(axis=0), exit_ns.max(axis=0)
    return CallTimes(done - first, last - first, done - last, enter_ns.argmax(axis=0), exit_ns.argmax(axis=0))


def clock_free(enter_ns: "NDArray[np.int64]", exit_ns: "NDArray[np.int64]") -> CallTimes:
    """Return the calls whose stamps, of shape (ranks, calls), are on each rank's own clock.

    In a call that nobody can leave before all have come, the last to come waits least: its duration is the latency,
    and how much longer another one waits is how much earlier it came. Who left last, no clock says: NO_RANK.

    Source: design 2.1, where the least duration was 97 to 99 % of the latency on one clock.
    """
    import numpy as np

    duration = exit_ns - enter_ns
    least, most = duration.min(axis=0), duration.max(axis=0)
    last_rank = duration.argmin(axis=0)
    return CallTimes(most, most - least, least, last_rank, np.full_like(last_rank, NO_RANK))


def agreement(one: CallTimes, other: CallTimes, bound_ns: int) -> float:
    """Return the share of calls, of those with skew beyond twice the clocks' bound, where both name one late rank.

    The skew is that of `one`. 1.0 when no call has such a skew. Low agreement says that stamps or bound are wrong.
    """
    skewed = one.skew_ns > 2 * bound_ns
    if not skewed.any():
        return 1.0
    return float((one.last_rank[skewed] == other.last_rank[skewed]).mean())
