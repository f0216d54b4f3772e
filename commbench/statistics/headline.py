"""Which time stands for a call: latency after the last arrival where that is defined, else the whole of it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from commbench.statistics.decompose import CallTimes, clock_free, on_one_clock

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from commbench.model.result import Samples

# Stamps of different ranks may be compared while their error stays below this share of the latency: design 2.1.
_TRUSTED_SHARE = 0.1


class Method(StrEnum):
    """How T, S and L were taken from the stamps."""

    ONE_CLOCK = "one_clock"  # stamps of all ranks on one clock, within a bound
    CLOCK_FREE = "clock_free"  # each rank's own durations: the last to arrive waits least


@dataclass(frozen=True, slots=True)
class Decomposed:
    """All calls of a point taken apart, and by which method."""

    calls: CallTimes
    method: Method
    is_synchronising: bool

    @property
    def headline_ns(self) -> "NDArray[np.int64]":
        """Return the time of each call that p50, p99 and worst case are of, shape (calls,).

        A synchronising collective cannot end anywhere before the last rank has come, so its latency after the last
        arrival is the fabric's. Of a rooted or one-way operation that is not true: there it is the makespan.
        """
        return self.calls.latency_ns if self.is_synchronising else self.calls.makespan_ns


def decompose(samples: "Samples", clock_bound_ns: int | None, *, is_synchronising: bool) -> Decomposed:
    """Return the calls taken apart on one clock, or without any clock where the bound is too wide for that."""
    free = clock_free(samples.enter_ns, samples.exit_ns)
    if clock_bound_ns is None:
        return Decomposed(free, Method.CLOCK_FREE, is_synchronising)
    calls = on_one_clock(samples.enter_ns, samples.exit_ns)
    if clock_bound_ns > _TRUSTED_SHARE * float(np.median(calls.latency_ns)):
        return Decomposed(free, Method.CLOCK_FREE, is_synchronising)
    return Decomposed(calls, Method.ONE_CLOCK, is_synchronising)
