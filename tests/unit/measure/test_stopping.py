from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commbench.measure.stopping import FixedIterations, StoppingRule, TimeBudget, stopping_rule
from commbench.model.plan import Protocol, Stopping
from commbench.units import NS_PER_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

counts = st.integers(1, 200)
visits = st.integers(1, 60)
call_times = st.integers(0, NS_PER_S)


def follow(rule: StoppingRule, call_ns: int) -> list[int]:
    """Do as the rule says with calls that all take the same time; return the visits it asked for."""
    time_ns: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
    asked = []
    while (calls := rule.next_visit(time_ns)) > 0:
        asked.append(calls)
        time_ns = np.concatenate([time_ns, np.full(calls, call_ns, dtype=np.int64)])
    return asked


@settings(deadline=None)
@given(counts, visits, call_times)
def test_fixed_makes_exactly_its_calls_in_visits_no_longer_than_asked(n: int, visit: int, call_ns: int) -> None:
    asked = follow(FixedIterations(n, visit), call_ns)
    assert sum(asked) == n
    assert max(asked) <= visit
    assert len(asked) == -(-n // visit)


@settings(deadline=None)
@given(st.floats(1e-6, 10), counts, counts, visits, call_times)
def test_a_budget_stays_between_its_minimum_and_maximum(
    budget_s: float, low: int, high: int, visit: int, call_ns: int
) -> None:
    low, high = sorted((low, high))
    asked = follow(TimeBudget(budget_s, low, high, visit), call_ns)
    assert low <= sum(asked) <= high
    assert max(asked) <= visit


@settings(deadline=None)
@given(st.floats(1e-3, 1), counts, visits, st.integers(NS_PER_S // 1000, NS_PER_S))
def test_a_budget_between_its_bounds_is_used_up_and_passed_by_less_than_a_visit(
    budget_s: float, low: int, visit: int, call_ns: int
) -> None:
    n = sum(follow(TimeBudget(budget_s, low, 10**6, visit), call_ns))
    assert n * call_ns >= budget_s * NS_PER_S
    assert n <= low + visit or (n - visit) * call_ns < budget_s * NS_PER_S


def test_slow_calls_stop_at_the_minimum_and_fast_ones_at_the_maximum() -> None:
    assert follow(TimeBudget(0.5, 20, 1000, 20), call_ns=NS_PER_S) == [20]
    assert follow(TimeBudget(0.5, 20, 1000, 300), call_ns=1) == [20, 300, 300, 300, 80]


@pytest.mark.parametrize(
    ("stopping", "name"),
    [
        (Stopping("fixed", iterations=40), "fixed:40"),
        (Stopping("budget", min_iterations=2, max_iterations=9, budget_s=0.25), "budget:0.25s"),
    ],
    ids=["fixed", "budget"],
)
def test_a_plan_names_its_rule_and_the_rule_names_itself(stopping: Stopping, name: str) -> None:
    rule = stopping_rule(Protocol(stopping, 0, 4, 60.0))
    assert rule.name == name
    assert sum(follow(rule, call_ns=1)) == (stopping.iterations or stopping.max_iterations)
