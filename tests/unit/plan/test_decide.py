"""`decide = "3%"` in a suite: the plan holds every block there may be, and mistakes are found before anything runs."""

from pathlib import Path

import pytest

from commbench.errors import SuiteError, UsageError
from commbench.plan.expand import expand
from tests.unit.plan.suites_for_tests import loaded

TWO = 'backend = "simulated"\nfabrics = ["infiniband", "roce"]'


def test_a_plan_that_decides_holds_the_most_blocks_there_may_be(tmp_path: Path) -> None:
    plan = expand(loaded(tmp_path, TWO, 'decide = "2.5 %"\nlaunches = 7\nmax_launches = 9'))
    assert (plan.protocol.decide_share, plan.protocol.launches) == (0.025, 7)
    assert {point.block for point in plan.points} == set(range(9))
    assert len(plan.points) == 2 * 9


def test_a_plan_without_the_rule_has_as_many_blocks_as_launches(tmp_path: Path) -> None:
    plan = expand(loaded(tmp_path, TWO, "launches = 3"))
    assert plan.protocol.decide_share == 0
    assert {point.block for point in plan.points} == {0, 1, 2}


@pytest.mark.parametrize(
    ("sweep", "measure", "said"),
    [
        (TWO, 'decide = "3"', "decide: '3' is no margin; write a percentage"),
        (TWO, 'decide = "0%"', "decide"),
        (TWO, 'decide = "100%"', "decide"),
        (TWO, 'decide = "3%"\nmax_launches = 5', "max_launches"),
        (TWO, "max_launches = 8", "only with measure.decide"),
        (TWO, 'decide = "3%"\nlaunches = 12\nmax_launches = 8', "more than max_launches, which is 8"),
        (TWO, 'decide = "3%"\nlaunches = 40', "more than max_launches, which is 30"),
        ('backend = "simulated"\nfabrics = ["roce"]', 'decide = "3%"', "name two or more"),
    ],
)
def test_a_mistake_is_named_with_its_key(tmp_path: Path, sweep: str, measure: str, said: str) -> None:
    with pytest.raises(SuiteError, match=said):
        loaded(tmp_path, sweep, measure)


def test_without_two_fabrics_there_is_nothing_to_decide(tmp_path: Path) -> None:
    suite = loaded(tmp_path, 'backend = "simulated"', 'decide = "3%"')
    with pytest.raises(UsageError, match="none is measured; name two"):
        expand(suite)
    assert len(expand(suite, fabrics=("infiniband", "roce")).fabrics) == 2
