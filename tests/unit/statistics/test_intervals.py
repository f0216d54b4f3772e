import pytest
from hypothesis import given
from hypothesis import strategies as st

from commbench.statistics.intervals import exceed_probability, quantile_ranks, upper_bound_exists

sizes = st.integers(1, 5000)
quantiles = st.floats(0.01, 0.99)


@given(sizes, quantiles)
def test_ranks_are_ordered_and_exist(n: int, quantile: float) -> None:
    ranks = quantile_ranks(n, quantile)
    assert ranks is None or 1 <= ranks[0] <= ranks[1] <= n


@given(sizes, quantiles)
def test_an_interval_needs_more_than_an_upper_bound(n: int, quantile: float) -> None:
    assert quantile_ranks(n, quantile) is None or upper_bound_exists(n, quantile)


@given(sizes)
def test_the_next_call_exceeds_the_worst_less_likely_the_more_there_are(n: int) -> None:
    assert 0 < exceed_probability(n + 1) < exceed_probability(n) <= 0.95
    assert exceed_probability(n) <= 3 / n


def test_no_calls_say_nothing() -> None:
    assert quantile_ranks(0, 0.5) is None
    assert not upper_bound_exists(0, 0.5)
    assert exceed_probability(0) == 1.0


def test_the_ranks_of_the_median_of_twenty_are_those_of_the_tables() -> None:
    assert quantile_ranks(20, 0.5) == (6, 15)  # David & Nagaraja, and every table of the sign test
    assert exceed_probability(20) == pytest.approx(0.139, abs=0.001)
