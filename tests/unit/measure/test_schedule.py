"""Which steps are announced together: never those that need a decision in between, or other ranks."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from commbench.environment.noise import NoiseGauge
from commbench.measure.schedule import Schedule
from commbench.measure.steps import Do, Step, from_text, to_text
from commbench.measure.stopping import Adaptive, FixedIterations, StoppingRule, TimeBudget
from commbench.measure.tally import Gathered, Tally, Visited
from commbench.model.plan import Stopping
from commbench.model.point import Point
from commbench.model.result import Samples
from commbench.plan.expand import expand
from commbench.plan.load import load
from commbench.statistics.looks import LOOKS

KINDS = ("sequential", "interleaved")
CALLS = 20
MS = 1_000_000
TOGETHER_MS = 200


def points(count: int, **changes: object) -> list[Point]:
    some = [point for point in expand(load("smoke")).points if not point.skip_reason][:count]
    return [replace(point, world_size=2, **changes) for point in some]  # type: ignore[arg-type] # the test's own


class Lab:
    """A schedule and ranks that take a given time for every call."""

    def __init__(self, of: Sequence[Point], rule: StoppingRule, call_ns: int) -> None:
        self.tallies = {point.point_id: Tally(point, 0) for point in of}
        self.call_ns, self.stops_after, self.words = call_ns, 10**9, 0
        self.schedule = Schedule(self.tallies, rule, lambda _: CALLS, self._wants_stop, seed=1)
        self._noise = NoiseGauge()

    def _wants_stop(self) -> bool:
        return self.words >= self.stops_after

    def go(self, kind: str) -> Iterator[tuple[Step, ...]]:
        """Yield what is announced, before it is done."""
        for steps in getattr(self.schedule, kind)(list(self.tallies)):
            self.words += 1
            yield steps
            for step in steps:
                self._do(step)

    def _do(self, step: Step) -> None:
        tally = self.tallies[step.point_id]
        if step.do is Do.VISIT:
            tally.add(Visited(np.full(step.calls, self.call_ns, dtype=np.int64)))
        elif step.do is Do.GATHER:
            stamps = np.tile(np.concatenate(tally.times[-tally.pending :]), (2, 1))
            noise = self._noise.between(self._noise.reading(), self._noise.reading())
            tally.add_gathered(Gathered(Samples(np.zeros_like(stamps), stamps), 0, 0, noise))


def visits(words: Sequence[tuple[Step, ...]]) -> list[int]:
    """Return how many visits each announcement has, of those that have any."""
    return [len(steps) for steps in words if steps[0].do is Do.VISIT]


@pytest.mark.parametrize("kind", KINDS)
def test_short_visits_come_together_and_each_point_gets_exactly_its_calls(kind: str) -> None:
    lab = Lab(points(5), FixedIterations(12 * CALLS), call_ns=MS)
    words = list(lab.go(kind))
    assert {sum(len(visit) for visit in tally.times) for tally in lab.tallies.values()} == {12 * CALLS}
    assert max(visits(words)) > 1
    assert len(visits(words)) < 5 * 12 / 2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("call_ms", [0.1, 1, 3, 50])
def test_what_comes_together_is_soon_over(kind: str, call_ms: float) -> None:
    lab = Lab(points(5), FixedIterations(30 * CALLS), call_ns=round(call_ms * MS))
    for several in [count for count in visits(list(lab.go(kind))) if count > 1]:
        assert several * CALLS * call_ms <= TOGETHER_MS


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_but_visits_comes_together(kind: str) -> None:
    lab = Lab(points(3), Adaptive(Stopping("adaptive", epsilon=0.02, max_visits=60, budget_s=1e9)), call_ns=MS)
    words = list(lab.go(kind))
    assert {step.do for steps in words if len(steps) > 1 for step in steps} == {Do.VISIT}
    assert [steps[0].do for steps in words].count(Do.CLOSE) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_all_stamps_are_there_whenever_the_rule_looks(kind: str) -> None:
    most = 60
    rule = Adaptive(Stopping("adaptive", epsilon=1e-9, min_span_s=1e9, max_visits=most, budget_s=1e9))
    lab = Lab(points(2), rule, call_ns=MS)
    gathered = []
    for steps in lab.go(kind):
        before = {point_id: len(tally.times) for point_id, tally in lab.tallies.items()}
        for step in steps:
            if step.do is Do.GATHER:
                gathered.append(before[step.point_id])
            before[step.point_id] += step.do is Do.VISIT
    assert set(gathered) == {look for look in LOOKS if look <= most}


@pytest.mark.parametrize("kind", KINDS)
def test_ranks_that_take_no_part_are_not_told_of_it_together_with_a_visit_of_theirs(kind: str) -> None:
    two, four = points(6)[:3], [replace(point, world_size=4) for point in points(6)[3:]]
    lab = Lab([*two, *four], FixedIterations(12 * CALLS), call_ns=MS)
    for steps in lab.go(kind):
        assert len({lab.tallies[step.point_id].point.world_size for step in steps}) == 1


def test_a_budget_is_passed_by_less_than_one_announcement() -> None:
    lab = Lab(points(1), TimeBudget(0.5, 20, 10**6), call_ns=MS)
    list(lab.go("sequential"))
    spent_s = sum(float(visit.sum()) for visit in lab.tallies[0].times) / 1e9
    assert 0.5 <= spent_s < 0.5 + CALLS * MS / 1e9


@pytest.mark.parametrize("word", range(3, 12))
def test_a_stop_is_heard_at_the_next_announcement(word: int) -> None:
    lab = Lab(points(5), FixedIterations(100 * CALLS), call_ns=3 * MS)
    lab.stops_after = word
    assert len(list(lab.go("interleaved"))) <= word + 1


def test_steps_reach_the_other_ranks_as_they_were() -> None:
    steps = (Step(Do.VISIT, 3, 20), Step(Do.VISIT, 4, 8), Step(Do.END))
    assert from_text(to_text(steps)) == steps
