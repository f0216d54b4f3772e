import pytest
from hypothesis import given
from hypothesis import strategies as st

from commbench.statistics.holm import holm

some_risks = st.lists(st.floats(0, 1), max_size=12)


def test_the_smallest_pays_for_all_and_the_next_for_those_that_are_left() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(some_risks)
def test_no_risk_falls_none_exceeds_one_and_their_order_stays(risks: list[float]) -> None:
    corrected = holm(risks)
    assert all(risk <= after <= 1 for risk, after in zip(risks, corrected, strict=True))
    ordered = [after for _, after in sorted(zip(risks, corrected, strict=True))]
    assert ordered == sorted(ordered)


@given(some_risks.filter(bool))
def test_it_never_claims_less_than_dividing_the_risk_by_the_number_of_claims(risks: list[float]) -> None:
    assert all(after <= min(1, len(risks) * risk) for risk, after in zip(risks, holm(risks), strict=True))
