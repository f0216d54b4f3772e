from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commbench.statistics.worst_of import worst_of

counts_of_bins = st.lists(st.integers(1, 4), min_size=1, max_size=4)


@given(counts_of_bins, st.data())
def test_it_is_the_median_of_the_worst_over_all_ways_to_take_n_calls(counts: list[int], data: st.DataObject) -> None:
    calls = [place for place, count in enumerate(counts) for _ in range(count)]
    n = data.draw(st.integers(1, len(calls)))
    worst = np.sort([max(taken) for taken in combinations(calls, n)])
    half = -(-len(worst) // 2)
    assert worst_of(range(len(counts)), counts, n) == worst[half - 1]


def test_the_worst_of_all_calls_is_in_the_last_bin_even_of_millions() -> None:
    assert worst_of([3, 7, 900], [10**6, 10**6, 1], 2 * 10**6 + 1) == 900
    assert worst_of([3, 7, 900], [10**6, 10**6, 1], 20) == 7


@pytest.mark.parametrize("n", [0, 5])
def test_more_calls_than_there_are_cannot_be_taken(n: int) -> None:
    with pytest.raises(ValueError, match=f"worst of {n} calls from 4"):
        worst_of([1, 2], [3, 1], n)
