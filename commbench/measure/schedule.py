"""In which order points are opened, visited and closed: rank 0's side of a launch.

A schedule is a generator: it yields the next steps, and finds what became of them in the tallies. Steps that need no
decision between them come together, for announcing a step costs a visit some tenths of a millisecond.
"""

import random
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import numpy as np

from commbench.measure.steps import Do, Step
from commbench.measure.stopping import StoppingRule
from commbench.measure.tally import Tally
from commbench.units import NS_PER_S

Orders = Generator[tuple[Step, ...], None, None]

# Open points share the ranks' buffers and cost little, but what is under way is lost when the launch dies.
_OPEN_AT_ONCE = 48
# A stop is heard between announcements, and nobody should wait for it: ten usual visits, in timed calls.
_TOGETHER_NS = NS_PER_S // 5


@dataclass(frozen=True, slots=True)
class Schedule:
    """How one launch goes through its points; `tallies` holds what has been measured of each open point."""

    tallies: dict[int, Tally]
    rule: StoppingRule
    visit_calls: Callable[[int], int]
    wants_stop: Callable[[], bool]
    seed: int

    def sequential(self, point_ids: Sequence[int]) -> Orders:
        """Take every point to its end before the next begins; a stop is heard between points."""
        for point_id in point_ids:
            if self.wants_stop():
                return
            yield (Step(Do.OPEN, point_id),)
            while (step := self._next_step(point_id)).do is not Do.CLOSE:
                yield self._with_foreseen(step)
            yield (step,)

    def interleaved(self, point_ids: Sequence[int]) -> Orders:
        """Visit all points once a round, in random order, until each is done; a stop is heard between announcements.

        So slow drift hits all sizes alike, and the variance between visits becomes visible: design 2.3.
        """
        for first in range(0, len(point_ids), _OPEN_AT_ONCE):
            yield from self._rounds(list(point_ids[first : first + _OPEN_AT_ONCE]))
            if self.wants_stop():
                return

    def _rounds(self, active: list[int]) -> Orders:
        order = random.Random(self.seed)  # noqa: S311 - an order, not a secret
        for point_id in active:
            if self.wants_stop():
                return
            yield (Step(Do.OPEN, point_id),)
        while active:
            order.shuffle(active)
            together: list[Step] = []
            for point_id in list(active):
                step = self._next_step(point_id)
                if together and not self._belongs(step, together):
                    yield tuple(together)
                    together = []
                if not together and self.wants_stop():
                    return
                while step.do is Do.GATHER:
                    yield (step,)
                    step = self._next_step(point_id)
                if step.do is Do.VISIT:
                    together.append(step)
                else:
                    yield (step,)
                    active.remove(point_id)
            if together:
                yield tuple(together)

    def _belongs(self, step: Step, others: Sequence[Step]) -> bool:
        """Return whether a step can be announced with others: a visit of the same ranks, and all of them soon over.

        Ranks that take no part are to be parked, not to wait in the next visit's barrier, which spins on a GPU.
        """
        if step.do is not Do.VISIT:
            return False
        (mine, theirs) = (self.tallies[each.point_id].point for each in (step, others[0]))
        if (mine.world_size, mine.nodes, mine.placement) != (theirs.world_size, theirs.nodes, theirs.placement):
            return False
        return sum(self._expected_ns(each.point_id) for each in (*others, step)) <= _TOGETHER_NS

    def _expected_ns(self, point_id: int) -> int:
        """Return how long a visit took the last time; of a point without one it is not known, so it comes alone."""
        times = self.tallies[point_id].times
        return int(times[-1].sum()) if times else _TOGETHER_NS

    def _with_foreseen(self, step: Step) -> tuple[Step, ...]:
        """Return a step, and behind a visit those that the rule will ask for if they take as long as the last one."""
        if step.do is not Do.VISIT:
            return (step,)
        tally, steps = self.tallies[step.point_id], [step]
        times = list(tally.times)
        while times and self._belongs(step, steps):
            times.append(np.resize(times[-1], steps[-1].calls))
            if self.rule.looks_after(len(times)):
                break
            calls = self.rule.next_visit(times, self.visit_calls(step.point_id), tally.span_s)
            if calls <= 0:
                break
            steps.append(Step(Do.VISIT, step.point_id, calls))
        return tuple(steps)

    def _next_step(self, point_id: int) -> Step:
        """Return what is to be done with an open point: gather before the rule looks and before the point is closed."""
        tally = self.tallies[point_id]
        if tally.pending and self.rule.looks_after(len(tally.times)):
            return Step(Do.GATHER, point_id)
        calls = self.rule.next_visit(tally.times, self.visit_calls(point_id), tally.span_s)
        if calls > 0:
            return Step(Do.VISIT, point_id, calls)
        return Step(Do.GATHER if tally.pending else Do.CLOSE, point_id)
