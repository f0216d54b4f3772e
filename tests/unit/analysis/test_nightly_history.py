import pytest

from commbench.analysis.nightly.history import history
from commbench.analysis.nightly.selftest import selftest
from commbench.errors import UnfitError, UsageError
from tests.unit.analysis.nightly_store import SERIES, Nights, series_id


def test_a_level_that_changed_is_found_in_retrospect_on_its_night() -> None:
    nights = Nights(lambda night, series, hosts: 1.1 if night >= 20 else 1.0).add(*range(40))
    found = history(nights.points, series_id(SERIES[0]))
    assert [(segment.first, segment.nights) for segment in found.segments] == [("2026-03-01", 20), ("2026-03-21", 20)]
    assert found.segments[1].ratio == pytest.approx(1.1, abs=0.02)


def test_noise_alone_is_one_level_and_a_series_nobody_measured_is_refused() -> None:
    nights = Nights().add(*range(12))
    assert len(history(nights.points, series_id(SERIES[1])).segments) == 1
    with pytest.raises(UsageError, match="commbench list"):
        history(nights.points, "nobody")


def test_a_self_test_of_too_few_nights_says_how_many_it_takes() -> None:
    with pytest.raises(UnfitError, match="it takes 27"):
        selftest(Nights().add(*range(5)).points, 0.1)


def test_a_self_test_finds_large_losses_in_quiet_nights_and_advises_the_keenest_constant() -> None:
    points = Nights().add(*range(32)).points
    found = selftest(points, 0.3, nights=8)
    assert [each.recall for each in found.tests if each.alarm_scales == 3.0] == [1.0]
    assert found.advised == 2.5


def test_the_same_seed_tests_itself_alike() -> None:
    points = Nights().add(*range(28)).points
    assert selftest(points, 0.3, nights=5, seed=3) == selftest(points, 0.3, nights=5, seed=3)
