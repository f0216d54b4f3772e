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
            while (calls := self._next_calls(point_id)) > 0:
                yield Step(Do.VISIT, point_id, calls)
            yield Step(Do.CLOSE, point_id)

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
                calls = self._next_calls(point_id)
                if calls > 0:
                    yield Step(Do.VISIT, point_id, calls)
                else:
                    yield Step(Do.CLOSE, point_id)
                    active.remove(point_id)

    def _next_calls(self, point_id: int) -> int:
        tally = self.tallies[point_id]
        return self.rule.next_visit(tally.times, self.visit_calls(point_id), tally.span_s)
