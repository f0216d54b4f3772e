from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commbench.statistics.histogram import LogHistogram

times = st.lists(st.integers(1, 10**13), min_size=1, max_size=50)


def histogram(values: list[int]) -> LogHistogram:
    return LogHistogram.from_ns(np.array(values, dtype=np.int64))


@given(times, times)
def test_merging_is_the_same_as_counting_together(one: list[int], other: list[int]) -> None:
    assert histogram(one).merge(histogram(other)) == histogram(one + other)


@given(times, st.floats(0, 1))
def test_every_quantile_is_within_one_percent(values: list[int], quantile: float) -> None:
    exact = sorted(values)[max(0, ceil(quantile * len(values)) - 1)]
    assert histogram(values).quantile(quantile) == pytest.approx(exact, rel=0.01)


@given(st.lists(st.integers(-100, 10**13), min_size=1, max_size=50))
def test_count_and_ends_are_exact(values: list[int]) -> None:
    got = histogram(values)
    assert (got.n, sum(got.counts), got.min_ns, got.max_ns) == (len(values), len(values), min(values), max(values))
    assert got.bins == tuple(sorted(set(got.bins)))
    assert got.quantile(1.0) == max(values)


def test_no_skew_at_all_is_kept_apart_from_a_nanosecond() -> None:
    got = histogram([0, 0, 0, 1, 500])
    assert got.quantile(0.5) == 0.0
    assert got.quantile(0.8) == pytest.approx(1, rel=0.01)


def test_a_histogram_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="no times"):
        histogram([])
