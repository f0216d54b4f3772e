import pytest
from hypothesis import given
from hypothesis import strategies as st

from commbench.statistics.pairs_needed import fewest_pairs, log_margin, pairs_needed

# Design 2.7 for margins of 1, 2, 3, 5, 10 %, by sigma.
DESIGN = {
    0.01: (9, 6, 6, 6, 6),
    0.02: (34, 9, 6, 6, 6),
    0.05: (209, 53, 24, 9, 6),
    0.10: (833, 211, 95, 35, 10),
}


@pytest.mark.parametrize("sigma", DESIGN)
def test_it_asks_for_what_the_design_does_and_up_to_three_more_for_the_spread_being_estimated(sigma: float) -> None:
    for share, wanted in zip((0.01, 0.02, 0.03, 0.05, 0.1), DESIGN[sigma], strict=True):
        assert 0 <= pairs_needed(sigma, log_margin(share)) - wanted <= max(3, 0.01 * wanted)


@given(st.floats(0.001, 0.2), st.floats(0.005, 0.2), st.floats(0.001, 0.05))
def test_more_spread_a_shorter_way_and_a_smaller_risk_all_ask_for_more(sigma: float, gap: float, alpha: float) -> None:
    pairs = pairs_needed(sigma, gap, alpha)
    assert pairs_needed(2 * sigma, gap, alpha) >= pairs
    assert pairs_needed(sigma, gap / 2, alpha) >= pairs
    assert pairs_needed(sigma, gap, alpha / 10) >= pairs
    assert pairs >= fewest_pairs(alpha)


@pytest.mark.parametrize(("alpha", "fewest"), [(0.05, 6), (0.2, 6), (0.05 / 30, 11), (0.05 / 200, 13)])
def test_a_larger_table_needs_more_pairs_before_anything_can_be_decided(alpha: float, fewest: int) -> None:
    assert fewest_pairs(alpha) == fewest
    assert 2 / 2**fewest <= alpha


def test_a_way_that_is_hardly_there_is_answered_at_once() -> None:
    assert pairs_needed(0.05, 1e-6) > 10**9


def test_a_truth_on_the_limit_is_never_shown() -> None:
    with pytest.raises(ValueError, match="on the limit"):
        pairs_needed(0.05, 0.0)
