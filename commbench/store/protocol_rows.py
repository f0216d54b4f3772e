"""The columns of `points` that come of the measurement protocol: T, S and L, intervals, tails and blame."""

import json
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from commbench.collectives import get
from commbench.model.summary import quantile_ns, summarise
from commbench.statistics import blame, tail
from commbench.statistics.decompose import NO_RANK, agreement, clock_free
from commbench.statistics.headline import Decomposed, Method, decompose
from commbench.statistics.histogram import GAMMA, LogHistogram
from commbench.statistics.intervals import exceed_probability, quantile_ranks
from commbench.statistics.looks import alpha_after
from commbench.statistics.woodruff import cluster_interval
from commbench.units import NS_PER_US

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from commbench.model.result import PointResult, Samples
    from commbench.statistics.blame import Event

Row = dict[str, object]

_LATENCY = ("min_us", "mean_us", "p50_us", "p95_us", "p99_us", "max_us")
_SKEW_WORTH_NAMING = 0.1  # of the p50; a straggler's skew is claimed above twice what is passed as the bound
_P99 = 0.99
_NO_EVENT: Row = {"blame": "", "cause": None, "rank": None, "size_us": None}
_PARTS = {"makespan": "makespan_ns", "skew": "skew_ns"}


def taken_apart(result: "PointResult", samples: "Samples") -> Decomposed:
    """Return the calls of a point as T, S and L."""
    is_synchronising = get(result.point.collective).is_synchronising
    return decompose(samples, result.clock_bound_ns, is_synchronising=is_synchronising)


def protocol_row(result: "PointResult", samples: "Samples | None", decomposed: Decomposed | None) -> Row:
    """Return the protocol's columns; without timed calls all of them are null, empty or zero."""
    always: Row = {
        "is_steady": result.is_steady,
        "verified_calls": result.verified_calls,
        "overhead_us": None if result.overhead_ns is None else result.overhead_ns / NS_PER_US,
        "others_share": result.others_share,
        "steal_share": result.steal_share,
        "throttled_s": result.throttled_s,
        "clock_bound_us": None if result.clock_bound_ns is None else result.clock_bound_ns / NS_PER_US,
    }
    if samples is None or decomposed is None:
        return {**always, "events_arrival": 0, "events_host": 0, "events_transport": 0, "blame": "", "stragglers": ""}
    return {
        **always,
        **_latency(result, decomposed),
        **_parts(decomposed),
        **_tail(result, samples, decomposed),
        "method": str(decomposed.method),
        "clock_agreement": _agreement(result, samples, decomposed),
        "span_s": result.span_s,
    }


def _latency(result: "PointResult", decomposed: Decomposed) -> Row:
    headline = decomposed.headline_ns
    summary = summarise(headline)
    interval = cluster_interval(_by_visit(headline, result.visit_calls), alpha=alpha_after(result.stopping))
    histogram = LogHistogram.from_ns(headline)
    return {
        **{f"latency_{name}": getattr(summary, name) for name in _LATENCY},
        "latency_p50_low_us": None if interval is None else interval.low / NS_PER_US,
        "latency_p50_high_us": None if interval is None else interval.high / NS_PER_US,
        **_p99_interval(headline),
        "latency_worst5_mean_us": tail.worst5_mean_ns(headline) / NS_PER_US,
        "exceed_probability": exceed_probability(summary.n),
        # A late rank is no part of L, but the job waits for it all the same.
        "slow_time_share": tail.time_share_slow(decomposed.calls.makespan_ns),
        "hist_bin": list(histogram.bins),
        "hist_count": list(histogram.counts),
        "hist_gamma": GAMMA,
    }


def _p99_interval(times_ns: "NDArray[np.int64]") -> Row:
    """Return the calls between which the p99 lies; calls that come in clusters make it wider than this says."""
    ranks = quantile_ranks(len(times_ns), _P99)
    if ranks is None:
        return {"latency_p99_low_us": None, "latency_p99_high_us": None}
    ordered = np.sort(times_ns)
    low, high = (float(ordered[rank - 1]) / NS_PER_US for rank in ranks)
    return {"latency_p99_low_us": low, "latency_p99_high_us": high}


def _by_visit(times_ns: "NDArray[np.int64]", visit_calls: tuple[int, ...]) -> "list[NDArray[np.int64]]":
    ends = [sum(visit_calls[: i + 1]) for i in range(len(visit_calls))]
    return [times_ns[end - calls : end] for end, calls in zip(ends, visit_calls, strict=True)]


def _parts(decomposed: Decomposed) -> Row:
    row: Row = {}
    for name, field in _PARTS.items():
        ordered = getattr(decomposed.calls, field).copy()
        ordered.sort()
        row[f"{name}_p50_us"] = quantile_ns(ordered, 0.50) / NS_PER_US
        row[f"{name}_p99_us"] = quantile_ns(ordered, 0.99) / NS_PER_US
        row[f"{name}_max_us"] = float(ordered[-1]) / NS_PER_US
    return row


def _agreement(result: "PointResult", samples: "Samples", decomposed: Decomposed) -> float | None:
    if decomposed.method is not Method.ONE_CLOCK or result.clock_bound_ns is None:
        return None
    free = clock_free(samples.enter_ns, samples.exit_ns)
    return agreement(decomposed.calls, free, result.clock_bound_ns)


def _tail(result: "PointResult", samples: "Samples", decomposed: Decomposed) -> Row:
    # Without a clock there is no error of a clock; the bound that was too wide to use must not silence anything.
    bound_ns = (result.clock_bound_ns or 0) if decomposed.method is Method.ONE_CLOCK else 0
    events = {event.call: event for event in blame.find_events(decomposed.calls, bound_ns, samples.wait_ns)}
    causes = Counter(event.cause for event in events.values())
    worst = _worst_calls(decomposed)
    first = worst[0] if worst else -1
    # Ranks leave a barrier in some order; who is last matters when it costs a share of the latency: design 2.2.
    worth_ns = max(bound_ns, int(_SKEW_WORTH_NAMING / 2 * float(np.median(decomposed.headline_ns))))
    stragglers = blame.systematic_stragglers(
        decomposed.calls.last_rank, decomposed.calls.skew_ns, worth_ns, result.point.world_size
    )
    return {
        "events_arrival": causes[blame.Cause.ARRIVAL],
        "events_host": causes[blame.Cause.HOST],
        "events_transport": causes[blame.Cause.TRANSPORT],
        "blame": blame.describe(events[first], decomposed.calls) if first in events else "",
        "stragglers": ",".join(str(rank) for rank in stragglers),
        "worst_calls_json": json.dumps([_worst(call, result, samples, decomposed, events) for call in worst]),
        "worst_events_json": json.dumps(
            [
                {**_event(each, decomposed), "call": each.call, "unix_ns": _unix_ns(each.call, result, samples)}
                for each in blame.largest_events(events.values(), decomposed.calls)
            ]
        ),
    }


def _worst_calls(decomposed: Decomposed) -> list[int]:
    """Return the ten worst calls by their latency, then those of the ten longest by T that are not among them.

    A rank that comes late leaves L as it is: by L alone, none of the calls that the job waited for would be kept.
    """
    by_latency, by_makespan = (tail.worst_calls(ns) for ns in (decomposed.headline_ns, decomposed.calls.makespan_ns))
    return [int(call) for call in dict.fromkeys([*by_latency, *by_makespan])]


def _worst(
    call: int, result: "PointResult", samples: "Samples", decomposed: Decomposed, events: "dict[int, Event]"
) -> Row:
    """Return one of the worst calls with the stamps of all ranks, in ns from the first arrival."""
    enter, leave = samples.enter_ns[:, call], samples.exit_ns[:, call]
    origin = int(enter.min())
    return {
        "call": call,
        "latency_us": float(decomposed.headline_ns[call]) / NS_PER_US,
        "makespan_us": float(decomposed.calls.makespan_ns[call]) / NS_PER_US,
        "unix_ns": _unix_ns(call, result, samples),
        **(_event(events[call], decomposed) if call in events else _NO_EVENT),
        "enter_ns": (enter - origin).tolist(),
        "exit_ns": (leave - origin).tolist(),
    }


def _event(event: "Event", decomposed: Decomposed) -> Row:
    """Return what a slow call is blamed on: in words, and as numbers to count and sort by."""
    return {
        "blame": blame.describe(event, decomposed.calls),
        "cause": str(event.cause),
        "rank": None if event.rank == NO_RANK else event.rank,
        "size_us": blame.size_ns(event, decomposed.calls) / NS_PER_US,
    }


def _unix_ns(call: int, result: "PointResult", samples: "Samples") -> int:
    # Rank 0's first stamp and the start of the point are a fraction of a second apart.
    return result.started_at_ns + int(samples.enter_ns[0, call] - samples.enter_ns[0, 0])
