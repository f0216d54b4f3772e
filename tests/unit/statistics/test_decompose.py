from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from commbench.statistics.decompose import NO_RANK, agreement, clock_free, on_one_clock

if TYPE_CHECKING:
    from numpy.typing import NDArray

Stamps = tuple["NDArray[np.int64]", "NDArray[np.int64]"]


@st.composite
def stamps(draw: st.DrawFn) -> Stamps:
    """Return stamps of any ranks and calls that nobody leaves before he came."""
    ranks, calls, seed = draw(st.integers(1, 5)), draw(st.integers(1, 20)), draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    enter = rng.integers(-(10**12), 10**12, (ranks, calls))
    return enter, enter + rng.integers(0, 10**9, (ranks, calls))


@given(stamps())
def test_makespan_is_skew_plus_latency(both: Stamps) -> None:
    for calls in (on_one_clock(*both), clock_free(*both)):
        assert (calls.makespan_ns == calls.skew_ns + calls.latency_ns).all()
        assert (calls.skew_ns >= 0).all()


@given(stamps(), st.lists(st.integers(-(10**15), 10**15), min_size=5, max_size=5))
def test_without_a_clock_no_clock_matters(both: Stamps, offsets: list[int]) -> None:
    enter, leave = both
    error = np.array(offsets[: len(enter)])[:, None]
    here, there = clock_free(enter, leave), clock_free(enter + error, leave + error)
    assert (here.latency_ns == there.latency_ns).all()
    assert (here.last_rank == there.last_rank).all()
    assert (here.exit_rank == NO_RANK).all()


@given(stamps())
def test_one_rank_alone_has_no_skew(both: Stamps) -> None:
    calls = on_one_clock(both[0][:1], both[1][:1])
    assert not calls.skew_ns.any()
    assert (calls.latency_ns == both[1][0] - both[0][0]).all()


def test_who_came_and_who_left_last_is_said() -> None:
    calls = on_one_clock(np.array([[0], [70], [20]]), np.array([[100], [90], [120]]))
    assert [int(each[0]) for each in (calls.makespan_ns, calls.skew_ns, calls.latency_ns)] == [120, 70, 50]
    assert [int(each[0]) for each in (calls.last_rank, calls.exit_rank)] == [1, 2]


def test_agreement_counts_only_calls_with_a_skew_beyond_the_bound() -> None:
    enter, leave = np.array([[0, 0, 0], [100, 1, 100]]), np.array([[200, 200, 200], [200, 202, 400]])
    one, free = on_one_clock(enter, leave), clock_free(enter, leave)
    assert agreement(one, free, bound_ns=10) == 0.5
    assert agreement(one, free, bound_ns=1000) == 1.0
