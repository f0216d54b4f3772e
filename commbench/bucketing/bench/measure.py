"""Measure all competitors at one work: refuse what is wrong, then time the others in turn."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

import torch

from commbench.bucketing.bench.case import Case, Times
from commbench.bucketing.bench.competitor import Call, Competitor, Prepared
from commbench.bucketing.bench.oracle import Check, compare, wanted
from commbench.bucketing.bench.sets import COLD_BYTES, TensorSet, make_sets, poison, sets_needed
from commbench.bucketing.bench.timing import Stopwatch
from commbench.bucketing.bench.work import Work
from commbench.model.result import Status
from commbench.units import NS_PER_S

_MOST_CHECKED = 8  # sets, first and last among them: 137 sets of 10,000 tensors would be checked for minutes


_LONGEST_RECORDING_S = 2.0  # of one graph: 10,000 copies on each of 137 sets would make a million nodes


@dataclass(frozen=True, slots=True)
class Protocol:
    """How often to measure: `rounds` blocks for every competitor in turn, each of `iterations` cold calls."""

    rounds: int = 5
    iterations: int = 12
    cold_bytes: int = COLD_BYTES


@dataclass(slots=True)
class _Entrant:
    """A competitor that is right so far, its calls on every set and the times of them."""

    case: Case
    prepared: list[Prepared]
    prepare_ns: int
    cold_ns: list[int]
    warm_ns: list[int]
    host_ns: list[int]
    next_set: int = 0

    def next_calls(self, count: int) -> list[Call]:
        """Return the calls on the sets whose turn it is, which are those that were used longest ago."""
        chosen = [self.prepared[(self.next_set + step) % len(self.prepared)].call for step in range(count)]
        self.next_set += count
        return chosen


def measure(
    work: Work, competitors: Sequence[Competitor], device: torch.device, stopwatch: Stopwatch, protocol: Protocol
) -> list[Case]:
    """Return one case for each competitor that is there for this direction, in their order.

    Every competitor works on the same sets. What it writes is poisoned, written and compared, before it is timed and
    again after; the timed blocks of all competitors take turns, so that drift hits all alike.
    """
    competitors = [each for each in competitors if work.direction in each.directions]
    sets = make_sets(work, device, sets_needed(work, protocol.cold_bytes))
    entries = [_enter(each, work, sets, stopwatch) for each in competitors]
    running = [each for each in entries if isinstance(each, _Entrant)]
    for turn in range(protocol.rounds):
        for entrant in running if turn % 2 == 0 else reversed(running):
            _time_block(entrant, stopwatch, protocol.iterations)
    return [each if isinstance(each, Case) else _finish(each, work, sets, stopwatch, protocol) for each in entries]


def _enter(competitor: Competitor, work: Work, sets: Sequence[TensorSet], stopwatch: Stopwatch) -> "_Entrant | Case":
    case = Case(
        competitor.name,
        competitor.is_reimplemented,
        work,
        Status.OK,
        time.time_ns(),
        launches=competitor.launches(work),
        tuning=competitor.tuning,
    )
    if reason := competitor.refusal(work, sets[0].flat.device):
        return replace(case, status=Status.SKIPPED, error=reason)
    try:
        begin = time.perf_counter_ns()
        prepared = [competitor.prepare(work, sets[0])]
        prepared[0].call()
        stopwatch.wait()
        prepare_ns = time.perf_counter_ns() - begin
        prepared += [competitor.prepare(work, each) for each in sets[1:]]
        check = _checked(work, prepared, sets)
    except Exception as error:  # noqa: BLE001 - libraries of all kinds: that one of them fails is a result to keep
        return replace(case, status=Status.ERROR, error=_words(error))
    if check.wrong_count:
        return replace(case, status=Status.WRONG, error=_wrong(check, "not timed"), check=check)
    return _Entrant(replace(case, check=check), prepared, prepare_ns, [], [], [])


def _checked(work: Work, prepared: Sequence[Prepared], sets: Sequence[TensorSet]) -> Check:
    """Poison, call and compare the sets, every one of them where there are few; return the first that is wrong."""
    step = -(-len(sets) // _MOST_CHECKED)
    chosen = sorted({*range(0, len(sets), step), len(sets) - 1})
    for index, one in enumerate(prepared):
        if index in chosen:
            poison(one.memory, work)
        one.call()
        if index in chosen:
            check = compare(one.results(), wanted(work, sets[index]))
            if check.wrong_count:
                return check
    return Check()


def _time_block(entrant: _Entrant, stopwatch: Stopwatch, iterations: int) -> None:
    """Time a block: calls on sets that no cache holds, then on one set that it does hold."""
    if entrant.case.status != Status.OK:
        return
    try:
        host_ns = stopwatch.host_ns(entrant.next_calls(iterations)) if stopwatch.has_host_time else []
        longest_ns = max(host_ns, default=0)
        entrant.cold_ns += stopwatch.device_ns(entrant.next_calls(iterations), longest_ns)
        same = [entrant.prepared[0].call] * (iterations + 1)  # the first one brings the set into the cache
        entrant.warm_ns += stopwatch.device_ns(same, longest_ns)[1:]
        entrant.host_ns += host_ns
    except Exception as error:  # noqa: BLE001 - CUDA's, or no memory left, or a library's: a result to keep
        entrant.case = replace(entrant.case, status=Status.ERROR, error=_words(error))


def _finish(entrant: _Entrant, work: Work, sets: Sequence[TensorSet], stopwatch: Stopwatch, protocol: Protocol) -> Case:
    case = entrant.case
    if case.status != Status.OK:
        return case
    try:
        check = _checked(work, entrant.prepared, sets)
    except Exception as error:  # noqa: BLE001 - a fault of the device that shows only now
        return replace(case, status=Status.ERROR, error=_words(error))
    if check.wrong_count:
        return replace(case, status=Status.WRONG, error=_wrong(check, "seen after its calls were timed"), check=check)
    graph_ns, no_graph = _graph_ns(entrant, stopwatch, protocol.rounds)
    times = Times(
        tuple(entrant.cold_ns),
        tuple(entrant.warm_ns),
        tuple(graph_ns),
        tuple(entrant.host_ns),
        entrant.prepare_ns,
        no_graph,
        stopwatch.waits_for_host(median(entrant.host_ns or [0]), case.launches),
    )
    return replace(case, check=check, times=times)


def _graph_ns(entrant: _Entrant, stopwatch: Stopwatch, replays: int) -> tuple[list[int], str]:
    calls = [each.call for each in entrant.prepared]
    recording_s = len(calls) * median(entrant.host_ns or [0]) / NS_PER_S
    if recording_s > _LONGEST_RECORDING_S:
        return [], f"recording {len(calls)} calls of that many launches would take {recording_s:.0f} s"
    try:
        times = stopwatch.graph_ns(calls, replays)
    except Exception as error:  # noqa: BLE001 - what cannot be recorded is told, and everything else still counts
        return [], _words(error)
    return times, "" if times else "no CUDA graphs on this device"


def _wrong(check: Check, when: str) -> str:
    return f"{check.wrong_count} wrong elements, the first at {check.wrong_index}; {when}"


def _words(error: Exception) -> str:
    """Return an error as one line; compilers write pages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0][:300] if lines else 'no reason given'}"
