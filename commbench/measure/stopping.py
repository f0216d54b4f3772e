"""When a point has been measured enough. Rank 0 asks the rule, and foresees visits to announce them together."""

from typing import TYPE_CHECKING, Protocol

import numpy as np

from commbench.model.plan import Stopping
from commbench.statistics.looks import CORRECTED_ALPHA, LOOKS
from commbench.statistics.woodruff import cluster_interval
from commbench.units import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Times = Sequence[NDArray[np.int64]]  # the calls' times, one array a visit

# Enough calls for the worst case to bound the p99, and a floor for calls so slow that these take minutes.
# Source: design 2.4, 1 - 0.05 ** (1 / 299) < 0.01.
_ENOUGH_CALLS = 299
_ENOUGH_SLOW_CALLS = 20
_SLOW_CALL_NS = 100_000_000


class StoppingRule(Protocol):
    """A rule that looks at all times so far, visit by visit.

    Times are those of all ranks where `looks_after` said that they will be looked at, and rank 0's own elsewhere:
    these are good enough to see how much time was spent, and bringing all ranks' together costs each visit some.
    """

    name: str

    def looks_after(self, visits: int) -> bool:
        """Return whether the next decision, after so many visits, needs the times of all ranks."""

    def next_visit(self, times: "Times", visit_calls: int, span_s: float) -> int:
        """Return how many calls the next visit times, at most `visit_calls`; 0 when the point is done."""

    def has_converged(self, times: "Times") -> bool:
        """Return whether the point ended because it was known well enough, not because it hit a cap."""


class FixedIterations:
    """A fixed number of calls, as most tools do."""

    def __init__(self, iterations: int) -> None:
        self.name = f"fixed:{iterations}"
        self._iterations = iterations

    def looks_after(self, visits: int) -> bool:  # noqa: ARG002 - never
        return False

    def next_visit(self, times: "Times", visit_calls: int, span_s: float) -> int:  # noqa: ARG002 - calls count
        return min(visit_calls, self._iterations - _total(times))

    def has_converged(self, times: "Times") -> bool:  # noqa: ARG002 - nothing else was asked for
        return True


class TimeBudget:
    """As many calls as fit into a time, between a minimum and a maximum."""

    def __init__(self, budget_s: float, minimum: int, maximum: int) -> None:
        self.name = f"budget:{budget_s:g}s"
        self._budget_s = budget_s
        self._minimum, self._maximum = minimum, maximum

    def looks_after(self, visits: int) -> bool:  # noqa: ARG002 - never
        return False

    def next_visit(self, times: "Times", visit_calls: int, span_s: float) -> int:  # noqa: ARG002 - time in calls counts
        n = _total(times)
        if n < self._minimum:
            return min(visit_calls, self._minimum - n)
        if _spent_s(times) >= self._budget_s:
            return 0
        return min(visit_calls, self._maximum - n)

    def has_converged(self, times: "Times") -> bool:  # noqa: ARG002 - nothing else was asked for
        return True


class Adaptive:
    """Visits until the interval of the p50 is narrow enough, looked at a few times only, or until a cap.

    The interval takes visits as clusters and is corrected for the number of looks: design 2.4 and 3.1, where rules
    that ignore either claim 95 % and cover 15 to 60 %. Before a cap the calls must also be enough for a worst case
    that says something; a point that a cap ended before has converged all the same if its p50 is known.
    """

    def __init__(self, stopping: Stopping) -> None:
        self.name = f"adaptive:{stopping.epsilon:.2%}"
        self._rule = stopping

    def looks_after(self, visits: int) -> bool:
        return visits in LOOKS

    def next_visit(self, times: "Times", visit_calls: int, span_s: float) -> int:
        if len(times) >= self._rule.max_visits or _spent_s(times) >= self._rule.budget_s:
            return 0
        looks = self.looks_after(len(times)) and span_s >= self._rule.min_span_s and _are_enough(times)
        return 0 if looks and self.has_converged(times) else visit_calls

    def has_converged(self, times: "Times") -> bool:
        interval = cluster_interval(times, 0.5, CORRECTED_ALPHA)
        return interval is not None and interval.relative_half_width <= self._rule.epsilon


def stopping_rule(stopping: Stopping) -> StoppingRule:
    """Return the rule that a plan names."""
    if stopping.rule == "adaptive":
        return Adaptive(stopping)
    if stopping.rule == "budget":
        return TimeBudget(stopping.budget_s, stopping.min_iterations, stopping.max_iterations)
    return FixedIterations(stopping.iterations)


def _are_enough(times: "Times") -> bool:
    all_ns = np.concatenate(times)
    return len(all_ns) >= (_ENOUGH_SLOW_CALLS if np.median(all_ns) >= _SLOW_CALL_NS else _ENOUGH_CALLS)


def _total(times: "Times") -> int:
    return sum(len(visit) for visit in times)


def _spent_s(times: "Times") -> float:
    return sum(int(visit.sum()) for visit in times) / NS_PER_S
