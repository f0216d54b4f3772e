"""The parts of a bucketed call: stamped inside it, only of timed calls, and told apart in the store's columns."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from commbench.backend import BoundPoint, Stamp
from commbench.backend.simulated import SimulatedBackend, SimulatedGroup
from commbench.environment.schedstat import RunQueueWait
from commbench.journal.codec import result_from_json, result_to_json
from commbench.measure.cadence import CADENCES
from commbench.measure.progress import ProgressBoard
from commbench.measure.visit import Visitor
from commbench.model.result import Correctness, PointResult, Samples, Status
from commbench.store.part_rows import PART_COLUMNS, part_row
from tests.unit.measure.plans import QUIET, make_plan, make_point, simulate

PLAN = make_plan(make_point("bucketed_all_reduce", 1024, 2), QUIET)


class ThreeParts(BoundPoint):
    """Calls of 2 us packing, 10 us communication and 3 us unpacking; those that nobody times take 1 ms a part."""

    def __init__(self, group: SimulatedGroup) -> None:
        self.group, self.marks = group, list[Stamp]()
        self.untimed = 0
        self.call = self._call

    def prepare(self, salt: int) -> None:
        """There is no data."""

    def check(self, salt: int) -> Correctness:
        self.untimed += 1  # the call that follows is one that nobody times
        return Correctness()

    def take_marks(self) -> Sequence[Stamp]:
        marks, self.marks = self.marks, []
        return marks

    def _call(self) -> None:
        parts = (1_000_000,) * 3 if self.untimed else (2_000, 10_000, 3_000)
        self.untimed = max(0, self.untimed - 1)
        for part in parts:
            self.group.step(np.zeros(2, dtype=np.int64), part)
            self.marks.append(int(self.group._now_ns[0]))
        self.marks.pop()


@pytest.mark.parametrize("verify_every", [0, 1, 3])
def test_the_parts_of_timed_calls_are_kept_and_those_of_others_are_not(verify_every: int) -> None:
    backend = SimulatedBackend(PLAN)
    group = backend.group((0, 1))
    assert isinstance(group, SimulatedGroup)
    board, wait = ProgressBoard(None, 0), RunQueueWait()
    visitor = Visitor(group, backend.clock, CADENCES["isolated"], board, wait, verify_every)
    bound = ThreeParts(group)
    bound.untimed = 2
    visitor.untimed(bound, 2)
    for _ in range(2):
        samples, _ = visitor.visit(bound, 7)
        assert samples.packed_ns is not None
        assert samples.communicated_ns is not None
        assert (samples.packed_ns - samples.enter_ns).tolist() == [[2_000] * 7]
        assert (samples.communicated_ns - samples.packed_ns).tolist() == [[10_000] * 7]
        assert (samples.exit_ns - samples.communicated_ns).tolist() == [[3_000] * 7]


def _samples() -> Samples:
    """Return two calls on two ranks: rank 1 packs twice as long as rank 0, which unpacks for longer."""
    enter = np.array([[0, 100_000], [0, 100_000]], dtype=np.int64)
    packed = enter + np.array([[5_000], [10_000]])
    communicated = enter + 18_000
    leave = communicated + np.array([[4_000], [1_000]])
    return Samples(enter, leave, np.zeros_like(enter), packed, communicated)


def _result(samples: Samples | None) -> PointResult:
    return PointResult(PLAN.points[0], 0, Status.OK, 0, samples=samples, clock_bound_ns=0)


def test_a_slow_packer_counts_as_packing_and_not_as_communication() -> None:
    row = part_row(_result(_samples()), _samples())
    assert [row[name] for name in PART_COLUMNS] == [10.0, 8.0, 4.0]


def test_without_parts_the_columns_are_null() -> None:
    plain = replace(_samples(), packed_ns=None, communicated_ns=None)
    for samples in (plain, None):
        assert part_row(_result(samples), samples) == dict.fromkeys(PART_COLUMNS)


def test_parts_survive_the_journal_the_joining_of_visits_and_a_change_of_clock() -> None:
    samples = _samples()
    back = result_from_json(result_to_json(_result(samples)), PLAN).samples
    assert back is not None
    assert np.array_equal(back.stacked(), samples.stacked())
    both = samples.joined([samples.moved(lambda stamps: stamps + 7)])
    assert np.array_equal(both.stacked()[:, :, 2:], samples.stacked() + np.array([7, 7, 0, 7, 7])[:, None, None])


def test_a_simulated_bucket_obeys_the_alpha_beta_law_and_has_no_parts() -> None:
    result = simulate(make_plan(make_point("bucketed_all_reduce", 2**20, 4), QUIET))
    assert result.samples is not None
    steps, wire_bytes = 2 * 2, 2**20 * 2 * 3 / 4
    assert result.samples.time_ns.tolist() == pytest.approx([steps * 5_000 + wire_bytes / 10] * 3, rel=1e-4)
    assert part_row(result, result.samples) == dict.fromkeys(PART_COLUMNS)
