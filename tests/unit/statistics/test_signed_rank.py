from itertools import product
from math import inf, isinf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import wilcoxon

from commbench.statistics.signed_rank import attained_risk, locate, pairs_of, risks, walsh_averages

ALPHA = 0.05
differences = st.lists(st.floats(-0.2, 0.2), min_size=1, max_size=14).map(np.array)


def test_the_estimate_is_the_median_of_the_means_of_all_pairs() -> None:
    averages = walsh_averages(np.array([3.0, 1.0, 8.0]))
    assert averages.tolist() == [1.0, 2.0, 3.0, 4.5, 5.5, 8.0]
    assert locate(averages).estimate == 3.75
    assert pairs_of(averages) == 3


@pytest.mark.parametrize("pairs", [1, 3, 6, 9])
def test_risks_are_the_exact_shares_of_all_signs(pairs: int) -> None:
    ranks = np.arange(1, pairs + 1)
    sums = np.array([np.dot(signs, ranks) for signs in product((0, 1), repeat=pairs)])
    generator = np.random.default_rng(pairs)
    averages = walsh_averages(generator.normal(-0.5, 1, pairs))
    against = np.count_nonzero(averages >= 0)
    assert risks(averages, 0.0).below == pytest.approx(min(1.0, 2 * float(np.mean(sums <= against))))


def test_without_a_margin_the_risk_is_wilcoxons() -> None:
    values = np.random.default_rng(3).normal(0.4, 1, 17)
    assert risks(walsh_averages(values), 0.0).above == pytest.approx(wilcoxon(values, method="exact").pvalue)


@given(differences, st.floats(1e-3, 0.1))
def test_a_claim_holds_at_a_risk_exactly_when_the_interval_lies_there(values: np.ndarray, margin: float) -> None:
    averages = walsh_averages(values)
    found, risk = locate(averages, ALPHA), risks(averages, margin)
    assert (risk.below <= ALPHA) == (found.high < -margin)
    assert (risk.above <= ALPHA) == (found.low > margin)
    assert (risk.within <= ALPHA) == (-margin < found.low and found.high < margin)


@given(differences)
def test_the_other_side_up_sees_the_same(values: np.ndarray) -> None:
    found, mirrored = locate(walsh_averages(values)), locate(walsh_averages(-values))
    assert (mirrored.low, mirrored.high) == (-found.high, -found.low)
    assert mirrored.estimate == pytest.approx(-found.estimate)


def test_six_pairs_are_the_fewest_with_an_interval_at_95_percent() -> None:
    assert isinf(locate(walsh_averages(np.arange(5.0))).low)
    found = locate(walsh_averages(np.arange(6.0)))
    assert (found.low, found.high) == (0.0, 5.0)
    assert attained_risk(5, ALPHA) == 0.0
    assert attained_risk(6, ALPHA) == 2 / 2**6
    assert locate(walsh_averages(np.arange(5.0))).high == inf


def test_hundreds_of_pairs_have_nearly_the_same_interval_exactly_and_by_the_normal_law() -> None:
    assert attained_risk(400, ALPHA) == pytest.approx(attained_risk(401, ALPHA), rel=0.01)


def test_pairs_that_lie_on_the_margin_claim_nothing() -> None:
    assert risks(walsh_averages(np.full(20, 0.03)), 0.03).least > 0.5
