import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commbench.statistics.tail import time_share_slow, worst5_mean_ns, worst_calls

times = st.lists(st.integers(1, 10**12), max_size=60)


@given(times, st.integers(0, 20))
def test_the_worst_are_the_slowest_in_order(values: list[int], count: int) -> None:
    worst = worst_calls(np.array(values, dtype=np.int64), count)
    assert [values[i] for i in worst] == sorted(values, reverse=True)[:count]


@given(times)
def test_a_share_is_a_share_and_never_all(values: list[int]) -> None:
    assert 0 <= time_share_slow(np.array(values, dtype=np.int64)) < 1


def test_one_stall_weighs_what_it_takes() -> None:
    assert time_share_slow(np.array([1] * 100 + [100])) == pytest.approx(0.5)
    assert time_share_slow(np.array([2] * 100 + [3])) == 0.0
    assert list(worst_calls(np.array([5, 9, 5, 9]), 3)) == [1, 3, 0]


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=200))
def test_the_worst_5_percent_are_every_twentieth_call_rounded_up(values: list[int]) -> None:
    slowest = sorted(values, reverse=True)[: max(1, math.ceil(len(values) / 20))]
    found = worst5_mean_ns(np.array(values, dtype=np.int64))
    assert found == pytest.approx(sum(slowest) / len(slowest))
    assert np.median(values) <= found <= max(values)


def test_the_worst_5_percent_of_no_calls_is_no_number() -> None:
    with pytest.raises(ValueError, match="no calls"):
        worst5_mean_ns(np.array([], dtype=np.int64))
