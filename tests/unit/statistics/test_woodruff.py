from math import inf
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commbench.statistics.looks import CORRECTED_ALPHA, LOOKS, is_look
from commbench.statistics.woodruff import Interval, cluster_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray


def drawn(seed: int, lengths: list[int]) -> "list[NDArray[np.int64]]":
    rng = np.random.default_rng(seed)
    return [rng.integers(1, 10**6, length) for length in lengths]


@given(st.integers(0, 10**6), st.lists(st.integers(5, 40), min_size=4, max_size=20), st.floats(0.1, 0.9))
def test_ends_are_times_that_happened_and_hold_the_estimate(seed: int, lengths: list[int], quantile: float) -> None:
    visits = drawn(seed, lengths)
    interval = cluster_interval(visits, quantile)
    if interval is not None:
        assert interval.low <= interval.estimate <= interval.high
        assert {interval.low, interval.estimate, interval.high} <= set(np.concatenate(visits).tolist())


@given(st.integers(0, 10**6), st.lists(st.integers(5, 40), min_size=4, max_size=20))
def test_the_order_of_visits_and_of_their_calls_does_not_matter(seed: int, lengths: list[int]) -> None:
    visits = drawn(seed, lengths)
    assert cluster_interval(visits) == cluster_interval([visit[::-1] for visit in reversed(visits)])


@given(st.integers(0, 10**6), st.floats(0.01, 0.2))
def test_more_confidence_is_never_narrower(seed: int, alpha: float) -> None:
    visits = drawn(seed, [100] * 30)
    loose, strict = cluster_interval(visits, 0.5, alpha), cluster_interval(visits, 0.5, alpha / 10)
    assert loose is not None
    assert strict is not None
    assert strict.low <= loose.low <= loose.high <= strict.high


def test_visits_that_differ_make_it_wider_than_the_same_calls_shuffled() -> None:
    rng = np.random.default_rng(1)
    visits = rng.normal(1e6, 1e4, (30, 50)).astype(np.int64) + rng.normal(0, 5e4, (30, 1)).astype(np.int64)
    shuffled = rng.permutation(visits.ravel()).reshape(visits.shape)
    apart, mixed = cluster_interval(list(visits)), cluster_interval(list(shuffled))
    assert apart is not None
    assert mixed is not None
    assert apart.estimate == mixed.estimate
    assert apart.relative_half_width > 2 * mixed.relative_half_width


@pytest.mark.parametrize(
    ("lengths", "quantile"), [([], 0.5), ([500], 0.5), ([500, 0], 0.5), ([10, 10], 0.99), ([10, 10, 10], 0.01)]
)
def test_too_little_gives_no_interval(lengths: list[int], quantile: float) -> None:
    assert cluster_interval(drawn(1, lengths), quantile) is None


def test_half_width_is_a_share_of_the_estimate() -> None:
    assert Interval(100, 96, 106).relative_half_width == pytest.approx(0.05)
    assert Interval(0, 0, 1).relative_half_width == inf


def test_looks_are_few_and_paid_for() -> None:
    assert [visits for visits in range(100) if is_look(visits)] == list(LOOKS)
    assert CORRECTED_ALPHA * len(LOOKS) < 0.05
