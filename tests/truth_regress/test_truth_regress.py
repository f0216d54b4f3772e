"""A small truth run with wide bars; `make truth-regress` has the large one, and the others on the same nights."""

import numpy as np
import pytest

from commbench.analysis.nightly.replay import replay
from commbench.analysis.nightly.rule import Rule
from tests.truth_regress.generator import lab_year
from tests.truth_regress.measure import Tally, fixed, tally_rule, tally_series
from tests.truth_regress.table import labs

YEARS = 2


@pytest.fixture(scope="module")
def tally() -> Tally:
    return tally_rule(labs(YEARS), Rule())


def test_false_alarms_are_rare(tally: Tally) -> None:
    assert tally.false_a_month <= 0.8


@pytest.mark.parametrize("kind", ["bw-20", "bw-10", "bw-5"])
def test_losses_of_several_series_are_found_within_two_nights(tally: Tally, kind: str) -> None:
    assert tally.share(kind, 2) == 1.0


def test_a_group_s_tail_is_found_within_three_nights(tally: Tally) -> None:
    assert tally.share("tail+30", 3) == 1.0


def test_a_bad_host_is_named_within_a_week_and_no_good_one_is(tally: Tally) -> None:
    assert tally.share("host named", 7) == 1.0
    assert tally.misnamed == 0


def test_measuring_suspects_again_costs_little(tally: Tally) -> None:
    assert 0 < float(np.mean(tally.extra)) <= 0.15


def test_a_fixed_threshold_cries_wolf_on_the_same_nights() -> None:
    assert tally_series(labs(1), fixed).false_a_month > 10


def test_the_same_seed_gives_the_same_decisions() -> None:
    decided = [replay(lab_year(3, ("bw-10",)).panel, Rule()) for _ in range(2)]
    assert np.array_equal(decided[0].alarms, decided[1].alarms)
    assert [track.opened for track in decided[0].tracks] == [track.opened for track in decided[1].tracks]
