import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from commbench.backend import BoundPoint, Group
from commbench.environment.schedstat import RunQueueWait
from commbench.measure.cadence import CADENCES
from commbench.measure.progress import CALLS, ProgressBoard
from commbench.measure.visit import Visitor
from commbench.model.point import Point
from commbench.model.result import Correctness, Samples

if TYPE_CHECKING:
    from numpy.typing import NDArray


class FakeGroup(Group):
    rank, world_size = 0, 2

    def __init__(self, diary: list[str]) -> None:
        self.diary = diary

    def bind(self, point: Point) -> BoundPoint:
        raise NotImplementedError

    def barrier(self) -> None:
        self.diary.append("meet")

    def gather_samples(self, samples: Samples) -> Samples | None:
        return samples

    def gather_correctness(self, verdict: Correctness) -> Correctness:
        return verdict

    def gather_texts(self, text: str) -> Sequence[str]:
        return [text]

    def share(self, number: int) -> int:
        return number

    def largest(self, number: int) -> int:
        return number


class FakeClock:
    """Shows the number of stamps taken so far."""

    name, resolution_ns, is_comparable = "fake", 1.0, False

    def __init__(self, diary: list[str]) -> None:
        self.diary, self.taken = diary, 0

    @property
    def stamp(self) -> Callable[[], int]:
        return self._stamp

    def _stamp(self) -> int:
        self.diary.append("stamp")
        self.taken += 1
        return self.taken

    def resolve(self, stamps: Sequence[int]) -> "NDArray[np.int64]":
        self.diary.append("resolve")
        return np.array(stamps, dtype=np.int64)


class FakePoint(BoundPoint):
    def __init__(self, diary: list[str]) -> None:
        self.call = lambda: diary.append("call")

        self.diary = diary

    def prepare(self, salt: int) -> None:
        self.diary.append("prepare")

    def check(self, salt: int) -> Correctness:
        self.diary.append("check")
        return Correctness()


@pytest.fixture
def diary() -> list[str]:
    return []


def visitor(diary: list[str], cadence: str, verify_every: int = 0) -> Visitor:
    board, wait = ProgressBoard(None, 0), RunQueueWait()
    return Visitor(FakeGroup(diary), FakeClock(diary), CADENCES[cadence], board, wait, verify_every)


def timed(diary: list[str]) -> list[str]:
    """Return what happened from the first meeting on: before it, the memory for the stamps is made."""
    return diary[diary.index("meet") :]


def test_isolated_calls_are_each_preceded_by_a_meeting_outside_the_stamps(diary: list[str]) -> None:
    visitor(diary, "isolated").visit(FakePoint(diary), 3)
    assert timed(diary) == [*["meet", "stamp", "call", "stamp"] * 3, "resolve"]


def test_streaming_calls_follow_each_other_after_one_meeting(diary: list[str]) -> None:
    visitor(diary, "streaming").visit(FakePoint(diary), 3)
    assert timed(diary) == ["meet", *["stamp", "call", "stamp"] * 3, "resolve"]


def test_a_checked_call_is_checked_outside_its_stamps_and_followed_by_a_call_nobody_times(diary: list[str]) -> None:
    rank = visitor(diary, "isolated", verify_every=2)
    rank.visit(FakePoint(diary), 2)
    plain, checked = ["meet", "stamp", "call", "stamp"], ["prepare", "meet", "stamp", "call", "stamp", "check"]
    assert timed(diary) == [*plain, *checked, "meet", "call", "resolve"]
    assert sum(rank.checked(2)) == 1


def test_streaming_calls_are_not_checked_one_by_one_for_nothing_may_come_between_them(diary: list[str]) -> None:
    rank = visitor(diary, "streaming", verify_every=2)
    rank.visit(FakePoint(diary), 4)
    assert "check" not in diary
    assert sum(rank.checked(4)) == 0


@pytest.mark.parametrize("cadence", CADENCES)
def test_stamps_are_those_around_each_call(diary: list[str], cadence: str) -> None:
    samples, _ = visitor(diary, cadence).visit(FakePoint(diary), 4)
    assert samples.enter_ns.shape == samples.exit_ns.shape == (1, 4)
    assert (samples.exit_ns - samples.enter_ns).tolist() == [[1] * 4]
    assert np.diff(samples.enter_ns).tolist() == [[2] * 3]


@pytest.mark.parametrize(("cadence", "meetings"), [("isolated", 3), ("streaming", 0)])
def test_untimed_calls_have_the_same_cadence_and_no_stamps(diary: list[str], cadence: str, meetings: int) -> None:
    visitor(diary, cadence).untimed(FakePoint(diary), 3)
    assert diary.count("meet") == meetings
    assert diary.count("call") == 3
    assert "stamp" not in diary


def test_the_board_counts_every_call_when_it_is_entered_timed_or_not(diary: list[str]) -> None:
    rank = visitor(diary, "isolated")
    rank.board.begin(7)
    seen: list[int] = []
    point = FakePoint(diary)
    point.call = lambda: seen.append(rank.board.numbers[CALLS])
    rank.visit(point, 2)
    rank.untimed(point, 2)
    rank.visit(point, 1)
    assert seen == [1, 2, 3, 4, 5]
    rank.board.begin(8)
    assert rank.board.numbers[CALLS] == 0


def test_the_garbage_collector_rests_between_stamps_and_works_again_afterwards(diary: list[str]) -> None:
    point, working = FakePoint(diary), []
    point.call = lambda: working.append(gc.isenabled())
    visitor(diary, "streaming").visit(point, 2)
    assert working == [False, False]
    assert gc.isenabled()


def test_the_garbage_collector_works_again_after_a_call_that_raised(diary: list[str]) -> None:
    point = FakePoint(diary)

    def fail() -> None:
        raise RuntimeError("Connection closed by peer")

    point.call = fail
    with pytest.raises(RuntimeError, match="closed by peer"):
        visitor(diary, "isolated").visit(point, 2)
    assert gc.isenabled()


class FakeWait(RunQueueWait):
    """Counts 100 ns a reading, and writes down when it is read."""

    def __init__(self, diary: list[str]) -> None:
        super().__init__()
        self.diary, self.readings = diary, 0

    def read_ns(self) -> int:
        self.diary.append("wait")
        self.readings += 1
        return 100 * self.readings


def test_the_wait_is_read_after_slow_calls_only_and_never_between_meeting_and_call(diary: list[str]) -> None:
    rank = visitor(diary, "isolated")
    rank.clock.is_comparable = True
    waiting = replace(rank, wait=FakeWait(diary))
    quick, _ = waiting.visit(FakePoint(diary), 2, quickest_ns=1)  # the fake clock makes every call take 1
    call = ["meet", "stamp", "call", "stamp"]
    assert diary[diary.index("meet") - 1] == "wait"
    assert timed(diary) == [*call, *call, "resolve"]
    assert quick.wait_ns is not None
    assert quick.wait_ns.tolist() == [[0, 0]]
    diary.clear()
    slow, _ = waiting.visit(FakePoint(diary), 2, quickest_ns=0)
    assert diary[diary.index("meet") - 1] == "wait"
    assert timed(diary) == [*call, "wait", *call, "wait", "resolve"]
    assert slow.wait_ns is not None
    assert slow.wait_ns.tolist() == [[100, 100]]


def test_untimed_calls_tell_how_long_the_quickest_took_on_the_host(diary: list[str]) -> None:
    point, naps = FakePoint(diary), iter([0.02, 0.001, 0.01])
    point.call = lambda: time.sleep(next(naps))
    assert 1_000_000 <= visitor(diary, "streaming").untimed(point, 3) < 10_000_000
