"""What pings say about another host's clock: an offset with a bound that holds, and stamps put right by it.

The offset is the root's clock minus ours. Source: SKaMPI's and NTP's bound intersection, design 2.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# How far two clocks can drift apart, as a share of the time: the most that Linux lets NTP or PTP slew a clock.
# Source: MAXFREQ of include/linux/timex.h, 500 ppm, which also exceeds the error of any crystal.
DRIFT_LIMIT = 500e-6


@dataclass(frozen=True, slots=True)
class Ping:
    """One question to the root: sent at t1 and answered at t3 on our clock, answered at t2 on the root's; ns."""

    t1_ns: int
    t2_ns: int
    t3_ns: int

    @property
    def round_trip_ns(self) -> int:
        """Return how long the answer took, in ns."""
        return self.t3_ns - self.t1_ns


@dataclass(frozen=True, slots=True)
class OffsetBound:
    """The root's clock minus ours at `at_ns` of ours: within `bound_ns` of `offset_ns`."""

    at_ns: int
    offset_ns: int
    bound_ns: int


def intersect(pings: Sequence[Ping]) -> OffsetBound | None:
    """Return the offset that all pings agree on, in the middle of the quickest; None when a clock stepped between them.

    The root answered between t1 and t3, so its offset then lies in [t2 - t3, t2 - t1]. Every ping's interval is
    widened by what the clocks may have drifted since, so that one ping delayed by milliseconds does no harm.
    """
    quickest = min(pings, key=lambda ping: ping.round_trip_ns)
    at_ns = (quickest.t1_ns + quickest.t3_ns) // 2
    drifts = [_drift_ns(max(abs(ping.t1_ns - at_ns), abs(ping.t3_ns - at_ns))) for ping in pings]
    low = max(ping.t2_ns - ping.t3_ns - drift for ping, drift in zip(pings, drifts, strict=True))
    high = min(ping.t2_ns - ping.t1_ns + drift for ping, drift in zip(pings, drifts, strict=True))
    if high < low:
        return None
    offset_ns = (low + high) // 2
    return OffsetBound(at_ns, offset_ns, high - offset_ns)


@dataclass(frozen=True, slots=True)
class Correction:
    """The offset between two syncs, taken to change evenly: clocks drift, but not in jerks."""

    before: OffsetBound
    after: OffsetBound

    @property
    def bound_ns(self) -> int:
        """Return by how much a corrected stamp between the two syncs can be wrong, in ns."""
        return max(self.before.bound_ns, self.after.bound_ns) + 1  # rounding of the interpolation

    @property
    def has_step(self) -> bool:
        """Return whether the offset changed by more than drift and bounds explain: then no stamp can be trusted."""
        change_ns = abs(self.after.offset_ns - self.before.offset_ns)
        explained_ns = self.before.bound_ns + self.after.bound_ns + _drift_ns(self.after.at_ns - self.before.at_ns)
        return change_ns > explained_ns

    def to_root(self, local_ns: "NDArray[np.int64]") -> "NDArray[np.int64]":
        """Return stamps of our clock on the root's, in ns."""
        elapsed_ns = self.after.at_ns - self.before.at_ns
        slope = (self.after.offset_ns - self.before.offset_ns) / elapsed_ns if elapsed_ns else 0.0
        # Only the small part is a float: stamps and offsets themselves may not fit into one exactly.
        change_ns: NDArray[np.int64] = np.rint((local_ns - self.before.at_ns) * slope).astype(np.int64)
        return local_ns + self.before.offset_ns + change_ns


def correction_between(before: OffsetBound | None, after: OffsetBound | None) -> Correction | None:
    """Return the correction of a block of calls between two syncs; None when a clock stepped during or between them."""
    if before is None or after is None:
        return None
    correction = Correction(before, after)
    return None if correction.has_step else correction


def _drift_ns(elapsed_ns: int) -> int:
    return int(elapsed_ns * DRIFT_LIMIT) + 1
