"""One rank's part in a step: open a point, visit it, close it."""

import time
from dataclasses import dataclass, field, replace

import numpy as np

from commbench.backend import Backend, BoundPoint, Group
from commbench.environment.noise import NoiseGauge, NoiseReading
from commbench.environment.schedstat import RunQueueWait
from commbench.measure.align import Aligned, ClockAlignment, widest_bound_ns
from commbench.measure.cadence import CADENCES
from commbench.measure.progress import ProgressBoard
from commbench.measure.tally import Closed, Gathered, Opened, Visited
from commbench.measure.traffic import HostCount, TrafficGauge
from commbench.measure.visit import Visitor, merge_verdicts
from commbench.model.plan import Protocol
from commbench.model.point import AUTO_FABRIC, Point
from commbench.model.result import Correctness, Samples
from commbench.statistics.steady import is_steady
from commbench.units import NS_PER_S, NS_PER_US

_SALT_BEFORE, _SALT_AFTER = 1, 2  # different data, so that what the first check left behind cannot pass the second
_SALT_VISIT = 4

_LEAD_IN_CALLS = 2  # the first two calls of a visit are slower than the rest: design 3.6
_VISIT_S = 0.020  # long enough for the gaps between visits to be small change: design 2.3
_FEWEST_CALLS, _MOST_CALLS = 8, 400
_VISITS_IN_BUDGET = 8
_WARMUP_BLOCK = 20  # pyperf's window: see statistics/steady.py
_WARMUP_LIMIT_S = 2.0


@dataclass(slots=True)
class _OpenPoint:
    bound: BoundPoint
    visitor: Visitor
    ranks: tuple[int, ...]
    noise: NoiseReading
    verdict: Correctness = field(default_factory=Correctness)  # this rank's, on the calls checked among the timed ones
    # Of the visits since the last gathering: this rank's stamps on rank 0's clock, and how well they are aligned.
    mine: list[Samples] = field(default_factory=list)
    aligned: list[Aligned] = field(default_factory=list)
    made: int = 0  # timed calls
    checked_calls: int = 0  # of those since the last gathering


@dataclass(slots=True)
class Performer:
    """This rank and the points it has open."""

    protocol: Protocol
    backend: Backend
    board: ProgressBoard
    alignment: ClockAlignment
    noise: NoiseGauge
    wait: RunQueueWait
    traffic: TrafficGauge = field(default_factory=TrafficGauge)
    _open: dict[int, _OpenPoint] = field(default_factory=dict)
    _laid: _OpenPoint | None = None  # whose data lies in the buffers that all points share

    def open(self, point: Point, group: Group, ranks: tuple[int, ...]) -> Opened | None:
        """Bind a point to a group of these ranks, make its first call, check it and warm up.

        Returns what came of it on rank 0.
        """
        bound = group.bind(point)
        visitor = Visitor(group, self.backend.clock, CADENCES[point.cadence], self.board, self.wait)
        every = round(1 / self.protocol.verify_share) if self.protocol.verify_share else 0
        self._laid = None
        self.wait.refresh()  # the group has threads of its own
        bound.prepare(_SALT_VISIT)
        first, _ = visitor.visit(bound, 1)
        all_first = group.gather_samples(first)
        verdict = visitor.verify(bound, _SALT_BEFORE) if self.protocol.verify else Correctness()
        bound.prepare(_SALT_VISIT)
        calls, steady, typical_ns = self._warm_up(bound, visitor)
        self.wait.refresh()  # and what started with the first calls
        self._open[point.point_id] = self._laid = _OpenPoint(
            bound, replace(visitor, verify_every=every), ranks, self.noise.reading()
        )
        if all_first is None:
            return None
        length = self.protocol.visit_iterations or _visit_calls(typical_ns, self.protocol.stopping.budget_s)
        return Opened(float(all_first.time_ns[0]) / NS_PER_US, verdict, calls, steady, length)

    def visit(self, point: Point, calls: int) -> Visited:
        """Time some calls of an open point; the stamps stay here until they are gathered."""
        opened = self._open[point.point_id]
        if self._laid is not opened:
            opened.bound.prepare(_SALT_VISIT)
            self._laid = opened
        opened.bound.begin_visit()
        checked = sum(opened.visitor.checked(calls, opened.made))
        # Every checked call is followed by one that nobody times.
        self.traffic.visit(point.point_id, _LEAD_IN_CALLS + calls + checked)
        quickest_ns = opened.visitor.untimed(opened.bound, _LEAD_IN_CALLS)
        with self.alignment.around(opened.ranks) as aligned:
            mine, verdict = opened.visitor.visit(opened.bound, calls, quickest_ns, opened.made)
        opened.verdict = merge_verdicts(opened.verdict, verdict)  # gathered when the point is closed
        opened.mine.append(aligned.on_rank_0(mine))
        opened.aligned.append(aligned)
        opened.made += calls
        opened.checked_calls += checked
        return Visited(mine.time_ns)

    def gather(self, point: Point, group: Group) -> Gathered | None:
        """Bring the stamps of all visits since the last gathering to rank 0, and return them there."""
        self.traffic.pause()
        opened = self._open[point.point_id]
        first, *others = opened.mine
        samples = group.gather_samples(first.joined(others))
        bound_ns = widest_bound_ns(opened.aligned, group)
        since, opened.noise = opened.noise, self.noise.reading()
        checked, opened.checked_calls = opened.checked_calls, 0
        opened.mine, opened.aligned = [], []
        if samples is None:
            return None
        return Gathered(samples, bound_ns, checked, self.noise.between(since, opened.noise))

    def close(self, point: Point, group: Group) -> Closed:
        """Check a point once more and let go of it; return all ranks' verdicts."""
        opened, self._laid = self._open.pop(point.point_id), None
        during = group.gather_correctness(opened.verdict) if self.protocol.verify_share else Correctness()
        after = opened.visitor.verify(opened.bound, _SALT_AFTER) if self.protocol.verify else Correctness()
        counted = group.gather_texts(self.traffic.take(point.point_id)) if point.fabric != AUTO_FABRIC else ()
        return Closed(during, after, tuple(HostCount.from_text(text) for text in counted if text))

    def _warm_up(self, bound: BoundPoint, visitor: Visitor) -> tuple[int, bool, float]:
        """Return how many calls were made, whether they had become steady, and the last block's median in ns."""
        if self.protocol.warmup == "fixed" and self.protocol.visit_iterations:
            visitor.untimed(bound, self.protocol.warmup_iterations)
            return self.protocol.warmup_iterations, True, 0.0
        times, deadline = np.zeros(0, dtype=np.int64), time.monotonic() + _WARMUP_LIMIT_S
        limit = max(self.protocol.warmup_iterations, 2)
        while True:
            mine, _ = visitor.visit(bound, min(_WARMUP_BLOCK, limit - len(times)))
            times = np.concatenate([times, mine.time_ns])
            steady = is_steady(times) if self.protocol.warmup == "steady" else len(times) >= limit
            is_over = steady or len(times) >= limit or time.monotonic() > deadline
            if visitor.group.share(int(is_over)):
                return len(times), steady, float(np.median(times[-_WARMUP_BLOCK:]))


def _visit_calls(typical_ns: float, budget_s: float) -> int:
    """Return how many calls of that time make a visit long enough, and leave room for several in the budget."""
    typical_s = max(typical_ns, 1.0) / NS_PER_S
    fewest = np.clip(budget_s / _VISITS_IN_BUDGET / typical_s, 1, _FEWEST_CALLS) if budget_s else _FEWEST_CALLS
    return int(np.clip(_VISIT_S / typical_s, fewest, _MOST_CALLS))
