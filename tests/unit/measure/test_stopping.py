from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commbench.measure.stopping import FixedIterations, StoppingRule, TimeBudget, stopping_rule
from commbench.model.plan import Stopping
from commbench.units import NS_PER_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

counts = st.integers(1, 200)
visits = st.integers(1, 60)
call_times = st.integers(0, NS_PER_S)


def follow(rule: StoppingRule, call_ns: int, visit: int) -> list[int]:
    """Do as the rule says with calls that all take the same time; return the visits it asked for."""
    times: list[NDArray[np.int64]] = []
    while (calls := rule.next_visit(times, visit, span_s=float(len(times)))) > 0:
        times.append(np.full(calls, call_ns, dtype=np.int64))
    return [len(visit) for visit in times]


@given(counts, visits, call_times)
def test_fixed_makes_exactly_its_calls_in_visits_no_longer_than_asked(n: int, visit: int, call_ns: int) -> None:
    asked = follow(FixedIterations(n), call_ns, visit)
    assert sum(asked) == n
    assert max(asked) <= visit
    assert len(asked) == -(-n // visit)


@given(st.floats(1e-6, 10), counts, counts, visits, call_times)
def test_a_budget_stays_between_its_minimum_and_maximum(
    budget_s: float, low: int, high: int, visit: int, call_ns: int
) -> None:
    low, high = sorted((low, high))
    asked = follow(TimeBudget(budget_s, low, high), call_ns, visit)
    assert low <= sum(asked) <= high
    assert max(asked) <= visit


@given(st.floats(1e-3, 1), counts, visits, st.integers(NS_PER_S // 1000, NS_PER_S))
def test_a_budget_between_its_bounds_is_used_up_and_passed_by_less_than_a_visit(
    budget_s: float, low: int, visit: int, call_ns: int
) -> None:
    n = sum(follow(TimeBudget(budget_s, low, 10**6), call_ns, visit))
    assert n * call_ns >= budget_s * NS_PER_S
    assert n <= low + visit or (n - visit) * call_ns < budget_s * NS_PER_S


def test_slow_calls_stop_at_the_minimum_and_fast_ones_at_the_maximum() -> None:
    assert follow(TimeBudget(0.5, 20, 1000), NS_PER_S, 20) == [20]
    assert follow(TimeBudget(0.5, 20, 1000), 1, 300) == [20, 300, 300, 300, 80]


@pytest.mark.parametrize(
    ("stopping", "name"),
    [
        (Stopping("fixed", iterations=40), "fixed:40"),
        (Stopping("budget", min_iterations=2, max_iterations=9, budget_s=0.25), "budget:0.25s"),
    ],
    ids=["fixed", "budget"],
)
def test_a_plan_names_its_rule_and_the_rule_names_itself(stopping: Stopping, name: str) -> None:
    rule = stopping_rule(stopping)
    assert rule.name == name
    assert sum(follow(rule, 1, 4)) == (stopping.iterations or stopping.max_iterations)


ADAPTIVE = Stopping("adaptive", epsilon=0.02, max_visits=90, budget_s=1000.0)


def test_adaptive_stops_at_the_first_look_that_knows_enough_and_never_between_looks() -> None:
    assert len(follow(stopping_rule(ADAPTIVE), 1000, 40)) == 18
    # 18 visits of 8 calls bound no p99: it goes on until there are 299 calls, to the next look after that.
    assert len(follow(stopping_rule(ADAPTIVE), 1000, 8)) == 40


def test_adaptive_takes_its_least_span_and_keeps_its_caps() -> None:
    assert len(follow(stopping_rule(replace(ADAPTIVE, min_span_s=25.0)), 1000, 40)) == 27
    # 40 calls of 10 ms are 0.4 s a visit, and the cap of 4 s is in timed calls.
    assert len(follow(stopping_rule(replace(ADAPTIVE, budget_s=4.0, min_span_s=500.0)), NS_PER_S // 100, 40)) == 10
    assert len(follow(stopping_rule(replace(ADAPTIVE, max_visits=30, min_span_s=500.0)), 1000, 40)) == 30


def test_a_point_that_a_cap_ended_has_converged_if_its_median_is_known() -> None:
    """27 visits of 8 calls are 216: too few to stop before the cap, and more than the median needs."""
    rule = stopping_rule(replace(ADAPTIVE, max_visits=27))
    assert len(follow(rule, NS_PER_S // 100, 8)) == 27
    assert rule.has_converged([np.full(8, NS_PER_S // 100, dtype=np.int64)] * 27)


def test_adaptive_says_that_it_has_not_converged_when_visits_disagree() -> None:
    rule = stopping_rule(ADAPTIVE)
    apart = [np.full(50, 1000 + 100 * (visit % 2), dtype=np.int64) for visit in range(90)]
    assert rule.next_visit(apart, 50, span_s=1.0) == 0, "the cap ends it"
    assert not rule.has_converged(apart)
    assert rule.has_converged([np.full(50, 1000, dtype=np.int64)] * 8)
