"""In which order points are opened, visited and closed: rank 0's side of a launch.

A schedule is a generator: it yields the next step and is sent what became of it.
"""

import random
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

from commbench.measure.steps import Do, Step
from commbench.measure.stopping import StoppingRule
from commbench.measure.tally import Tally

Steps = Generator[Step, None, None]

# Open points share the ranks' buffers and cost little, but what is under way is lost when the launch dies.
_OPEN_AT_ONCE = 48


@dataclass(frozen=True, slots=True)
class Schedule:
    """How one launch goes through its points; `tallies` holds what has been measured of each open point."""

    tallies: dict[int, Tally]
    rule: StoppingRule
    visit_calls: Callable[[int], int]
    wants_stop: Callable[[], bool]
    seed: int

    def sequential(self, point_ids: Sequence[int]) -> Steps:
        """Take every point to its end before the next begins; a stop is heard between points."""
        for point_id in point_ids:
            if self.wants_stop():
                return
            yield Step(Do.OPEN, point_id)
            while (step := self._next_step(point_id)).do is not Do.CLOSE:
                yield step
            yield step

    def interleaved(self, point_ids: Sequence[int]) -> Steps:
        """Visit all points once a round, in random order, until each is done; a stop is heard between visits.

        So slow drift hits all sizes alike, and the variance between visits becomes visible: design 2.3.
        """
        for first in range(0, len(point_ids), _OPEN_AT_ONCE):
            yield from self._rounds(list(point_ids[first : first + _OPEN_AT_ONCE]))
            if self.wants_stop():
                return

    def _rounds(self, active: list[int]) -> Steps:
        order = random.Random(self.seed)  # noqa: S311 - an order, not a secret
        for point_id in active:
            if self.wants_stop():
                return
            yield Step(Do.OPEN, point_id)
        while active:
            order.shuffle(active)
            for point_id in list(active):
                if self.wants_stop():
                    return
                while (step := self._next_step(point_id)).do is Do.GATHER:
                    yield step
                yield step
                if step.do is Do.CLOSE:
                    active.remove(point_id)

    def _next_step(self, point_id: int) -> Step:
        """Return what is to be done with an open point: gather before the rule looks and before the point is closed."""
        tally = self.tallies[point_id]
        if tally.pending and self.rule.looks_after(len(tally.times)):
            return Step(Do.GATHER, point_id)
        calls = self.rule.next_visit(tally.times, self.visit_calls(point_id), tally.span_s)
        if calls > 0:
            return Step(Do.VISIT, point_id, calls)
        return Step(Do.GATHER if tally.pending else Do.CLOSE, point_id)
