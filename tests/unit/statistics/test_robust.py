import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from commbench.statistics.membership import explained_by
from commbench.statistics.robust import mad_scale, nan_median, shrunk

VALUES = st.one_of(st.just(float("nan")), st.floats(-1e6, 1e6))


@given(arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 9)), elements=VALUES))
@pytest.mark.filterwarnings("ignore:All-NaN slice:RuntimeWarning")
def test_the_median_is_numpys(values: np.ndarray) -> None:
    np.testing.assert_allclose(nan_median(values), np.nanmedian(values, axis=-1))


def test_the_mad_of_a_normal_law_is_its_standard_deviation() -> None:
    values = np.random.default_rng(1).normal(5, 2, 100_000)
    assert mad_scale(values, nan_median(values)) == pytest.approx(2, rel=0.02)


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_a_shrunk_scale_lies_between_its_own_and_its_class_s(own: float, prior: float) -> None:
    found = float(shrunk(np.array(own), np.array(prior), 10, 28))
    assert min(own, prior) * (1 - 1e-9) <= found <= max(own, prior) * (1 + 1e-9)


def test_the_member_that_shifts_what_it_is_in_is_the_likeliest() -> None:
    rng = np.random.default_rng(2)
    there = rng.random((200, 10)) < 0.4
    values = rng.normal(0, 0.01, 200) + 0.1 * there[:, 3] * (np.arange(200) >= 150)
    found = explained_by(values, np.ones(200), there, since=150)
    assert int(np.argmax(found.log_ratio)) == 3
    assert found.shift[3] == pytest.approx(0.1, abs=0.01)


def test_members_that_were_always_or_never_there_explain_nothing() -> None:
    there = np.array([[True, False, True], [True, False, False], [True, False, True]])
    found = explained_by(np.array([1.0, 2.0, 1.0]), np.ones(3), there)
    assert list(found.log_ratio[:2]) == [0.0, 0.0]
    assert found.log_ratio[2] > 0
