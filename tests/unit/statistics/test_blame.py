import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commbench.statistics.blame import Cause, find_events, systematic_stragglers
from commbench.statistics.decompose import NO_RANK, on_one_clock

CALLS = 50
QUIET_NS = 100_000


@given(st.integers(0, CALLS - 1), st.integers(50_000, 10**9), st.integers(0, 10**9), st.integers(0, 2))
def test_the_three_parts_are_the_whole_excess(call: int, late_ns: int, stall_ns: int, rank: int) -> None:
    enter = np.zeros((3, CALLS), dtype=np.int64)
    enter[rank, call] = late_ns
    leave = np.broadcast_to(enter.max(axis=0) + QUIET_NS, enter.shape).copy()
    leave[:, call] += stall_ns
    wait = np.zeros_like(enter)
    wait[2, call] = stall_ns // 3
    (event,) = find_events(on_one_clock(enter, leave), 0, wait)
    assert event.call == call
    assert event.arrival_ns + event.host_ns + event.transport_ns == late_ns + stall_ns
    assert (event.arrival_ns, event.host_ns) == (late_ns, stall_ns // 3)
    assert event.rank == {Cause.ARRIVAL: rank, Cause.HOST: 2, Cause.TRANSPORT: NO_RANK}[event.cause]


def test_a_rank_that_always_waits_is_not_blamed_for_what_another_waits_once() -> None:
    enter = np.zeros((2, CALLS), dtype=np.int64)
    leave = np.full((2, CALLS), 10 * QUIET_NS)
    leave[:, 7] += 8 * QUIET_NS
    wait = np.zeros_like(enter)
    wait[0], wait[1, 7] = 9 * QUIET_NS, 8 * QUIET_NS
    (event,) = find_events(on_one_clock(enter, leave), 0, wait)
    assert (event.cause, event.rank, event.host_ns) == (Cause.HOST, 1, 8 * QUIET_NS)


def test_no_calls_are_no_events() -> None:
    nothing = np.zeros((2, 0), dtype=np.int64)
    assert find_events(on_one_clock(nothing, nothing), 0) == ()


@pytest.mark.parametrize(("last_rank", "ranks"), [([], 4), ([0] * 100, 1), ([0, 1, 2, 3] * 25, 4)])
def test_fair_ranks_are_no_stragglers(last_rank: list[int], ranks: int) -> None:
    last = np.array(last_rank, dtype=np.int64)
    assert systematic_stragglers(last, np.full(len(last), 1000), 10, ranks) == ()


def test_several_stragglers_are_all_named_and_small_skew_does_not_count() -> None:
    last = np.array([1, 3] * 100)
    assert systematic_stragglers(last, np.full(200, 1000), 10, 8) == (1, 3)
    assert systematic_stragglers(last, np.full(200, 1000), 500, 8) == ()
