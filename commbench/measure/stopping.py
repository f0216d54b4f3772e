"""When a point has been measured enough. Rank 0 asks the rule, and tells the others."""

from typing import TYPE_CHECKING, Protocol

from commbench.model.plan import Protocol as MeasureProtocol
from commbench.units import NS_PER_S

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class StoppingRule(Protocol):
    """A rule that looks at all times so far."""

    name: str

    def next_visit(self, time_ns: "NDArray[np.int64]") -> int:
        """Return how many calls the next visit times; 0 when the point has enough."""


class FixedIterations:
    """A fixed number of calls, as most tools do."""

    def __init__(self, iterations: int, visit_iterations: int) -> None:
        self.name = f"fixed:{iterations}"
        self._iterations, self._visit = iterations, visit_iterations

    def next_visit(self, time_ns: "NDArray[np.int64]") -> int:
        return min(self._visit, self._iterations - len(time_ns))


class TimeBudget:
    """As many calls as fit into a time, between a minimum and a maximum."""

    def __init__(self, budget_s: float, minimum: int, maximum: int, visit_iterations: int) -> None:
        self.name = f"budget:{budget_s:g}s"
        self._budget_ns = budget_s * NS_PER_S
        self._minimum, self._maximum, self._visit = minimum, maximum, visit_iterations

    def next_visit(self, time_ns: "NDArray[np.int64]") -> int:
        n = len(time_ns)
        if n < self._minimum:
            return min(self._visit, self._minimum - n)
        if time_ns.sum() >= self._budget_ns:
            return 0
        return min(self._visit, self._maximum - n)


def stopping_rule(protocol: MeasureProtocol) -> StoppingRule:
    """Return the rule that a plan's protocol names."""
    stopping = protocol.stopping
    if stopping.rule == "fixed":
        return FixedIterations(stopping.iterations, protocol.visit_iterations)
    return TimeBudget(stopping.budget_s, stopping.min_iterations, stopping.max_iterations, protocol.visit_iterations)
