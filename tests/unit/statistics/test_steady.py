import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from commbench.statistics.steady import WINDOW_CALLS, is_steady


@given(st.integers(1, 10**12), st.integers(0, 60))
def test_calls_that_take_the_same_are_steady_from_two_windows_on(time_ns: int, calls: int) -> None:
    assert is_steady(np.full(calls, time_ns)) is (calls >= 2 * WINDOW_CALLS)


@given(st.lists(st.integers(1, 10**9), min_size=2 * WINDOW_CALLS, max_size=2 * WINDOW_CALLS), st.integers(0, 10**9))
def test_only_the_last_two_windows_count(last: list[int], before_ns: int) -> None:
    assert is_steady(np.array(last)) is is_steady(np.array([before_ns] * 30 + last))
