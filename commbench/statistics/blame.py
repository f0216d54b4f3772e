"""Who is to blame for a slow call: a rank that came late, a host that gave it no CPU, or the transport."""

from dataclasses import dataclass
from enum import StrEnum
from math import erfc, sqrt
from typing import TYPE_CHECKING

import numpy as np

from commbench.statistics.decompose import NO_RANK, CallTimes
from commbench.units import NS_PER_US, format_time_us

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

# A call is an event when its makespan exceeds the median by the largest of these. Source: design 2.6. So it is when
# its arrival skew alone does, and by a whole p50: where ranks share cores the makespan is so restless that a rank that
# is 20 ms late drowns in it.
_EVENT_SIGMAS = 6
_SIGMA_PER_MAD = 1.4826  # of a normal distribution
_EVENT_SHARE = 0.05  # of the p50
_EVENT_BOUNDS = 4  # of the clocks' bound: two stamps, each wrong by up to the bound, at either end

_CLAIM_BOUNDS = 2  # no claim about who came late below twice the clocks' bound: design 0

# Source: design 2.6: three sigma, and Bonferroni over ranks where that is stricter.
_STRAGGLER_LEVEL = erfc(3 / sqrt(2)) / 2
_STRAGGLER_ALPHA = 0.05


class Cause(StrEnum):
    """What made a call slow."""

    ARRIVAL = "arrival"  # a rank entered the call late
    HOST = "host"  # a rank's threads were ready to run and did not
    TRANSPORT = "transport"  # what neither explains


@dataclass(frozen=True, slots=True)
class Event:
    """A slow call: its index, the largest of its three causes, and who it points at.

    The three parts are what the call took beyond the median, in ns; together they are its excess. `rank` is NO_RANK
    for the transport.
    """

    call: int
    cause: Cause
    rank: int
    arrival_ns: int
    host_ns: int
    transport_ns: int


def find_events(calls: CallTimes, clock_bound_ns: int, wait_ns: "NDArray[np.int64] | None" = None) -> tuple[Event, ...]:
    """Return the slow calls and what made each of them slow.

    `wait_ns`, of shape (ranks, calls), is how long each rank's threads were ready to run and did not; None where
    nobody knows, and then a host's doing counts as the transport's. The bound of clock-free times is 0.

    Source: design 2.6. A rank's wait is counted beyond its own median, and at most as what is slow after the last
    arrival: the wait is an upper bound, as threads add up.
    """
    if len(calls.makespan_ns) == 0:
        return ()
    arrival = _beyond_median(calls.skew_ns)
    late = _beyond_median(calls.latency_ns)
    waited = np.zeros((1, len(late))) if wait_ns is None else wait_ns - np.median(wait_ns, axis=1, keepdims=True)
    host = np.clip(waited.max(axis=0), 0, np.maximum(late, 0))
    transport = late - host
    claimed = np.where(calls.skew_ns > _CLAIM_BOUNDS * clock_bound_ns, arrival, -np.inf)
    blame = np.argmax([claimed, host, transport], axis=0)
    ranks = np.choose(blame, [calls.last_rank, waited.argmax(axis=0), NO_RANK])
    p50_ns = float(np.median(calls.makespan_ns))
    slow = _stands_out(calls.makespan_ns, _EVENT_SHARE * p50_ns, clock_bound_ns)
    slow |= _stands_out(calls.skew_ns, p50_ns, clock_bound_ns) & (blame == 0)
    return tuple(
        Event(
            call=int(i),
            cause=tuple(Cause)[blame[i]],
            rank=int(ranks[i]),
            arrival_ns=round(float(arrival[i])),
            host_ns=round(float(host[i])),
            transport_ns=round(float(transport[i])),
        )
        for i in np.flatnonzero(slow)
    )


def size_ns(event: Event, calls: CallTimes) -> int:
    """Return how long an event's cause lasted; of an arrival, the whole time that rank came after the first."""
    if event.cause is Cause.ARRIVAL:
        return int(calls.skew_ns[event.call])
    return event.host_ns if event.cause is Cause.HOST else event.transport_ns


def largest_events(events: "Iterable[Event]", calls: CallTimes) -> tuple[Event, ...]:
    """Return the largest event of each cause that has any, in the order of the causes; the earlier of equals."""
    largest: dict[Cause, Event] = {}
    for event in events:
        known = largest.get(event.cause)
        if known is None or size_ns(event, calls) > size_ns(known, calls):
            largest[event.cause] = event
    return tuple(largest[cause] for cause in Cause if cause in largest)


def describe(event: Event, calls: CallTimes) -> str:
    """Return an event in words: `arrival: rank 3, 5.1 ms`."""
    time = format_time_us(size_ns(event, calls) / NS_PER_US)
    if event.cause is Cause.ARRIVAL:
        return f"arrival: rank {event.rank}, {time}"
    if event.cause is Cause.HOST:
        return f"host: rank {event.rank} was runnable but not running for {time}"
    return f"transport, {time}"


def systematic_stragglers(
    last_rank: "NDArray[np.int64]", skew_ns: "NDArray[np.int64]", bound_ns: int, ranks: int
) -> tuple[int, ...]:
    """Return the ranks that come last more often than chance allows, though no single call need be slow.

    Only calls count whose skew is more than twice the bound. Give a bound that matters: with one of 0, ranks that
    leave a barrier in the same order every time are named for a few ns.

    Source: design 2.6: the exact binomial test against 1/ranks, beyond three sigma and Bonferroni over ranks.
    """
    from scipy.special import bdtrc

    counts = np.bincount(last_rank[skew_ns > _CLAIM_BOUNDS * bound_ns], minlength=ranks)
    calls = int(counts.sum())
    if ranks <= 1 or calls == 0:
        return ()
    chance = bdtrc(np.maximum(counts - 1, 0), calls, 1 / ranks)  # of being last as often as that, or more often
    level = min(_STRAGGLER_LEVEL, _STRAGGLER_ALPHA / ranks)
    return tuple(int(rank) for rank in np.flatnonzero((chance < level) & (counts > 0)))


def _beyond_median(time_ns: "NDArray[np.int64]") -> "NDArray[np.float64]":
    beyond: NDArray[np.float64] = time_ns - np.median(time_ns)
    return beyond


def _stands_out(time_ns: "NDArray[np.int64]", worth_ns: float, clock_bound_ns: int) -> "NDArray[np.bool_]":
    beyond = _beyond_median(time_ns)
    mad = float(np.median(np.abs(beyond)))
    slow: NDArray[np.bool_] = beyond > max(
        _EVENT_SIGMAS * _SIGMA_PER_MAD * mad, worth_ns, _EVENT_BOUNDS * clock_bound_ns
    )
    return slow
