"""What commbench itself costs: an empty call, timed as every other call is."""

from collections.abc import Callable

import numpy as np

from commbench.backend import BoundPoint, Clock, Group
from commbench.environment.schedstat import RunQueueWait
from commbench.measure.progress import ProgressBoard
from commbench.measure.visit import Visitor
from commbench.model.result import Correctness

_CALLS = 1000


class _EmptyPoint(BoundPoint):
    """A call that does nothing."""

    def __init__(self) -> None:
        self.call = _nothing

    def prepare(self, salt: int) -> None:
        """There is no data."""

    def check(self, salt: int) -> Correctness:  # noqa: ARG002 - there is no data
        return Correctness()


class _Alone:
    """A cadence that meets nobody."""

    name = "alone"

    def before_call(self, group: Group) -> Callable[[], object] | None:  # noqa: ARG002 - nobody to meet
        return None

    def before_visit(self, group: Group) -> None:
        """Nobody to meet."""


def overhead_ns(group: Group, clock: Clock, wait: RunQueueWait) -> int:
    """Return the median time in ns that an empty call is measured as: the benchmark's own share of every sample."""
    visitor = Visitor(group, clock, _Alone(), ProgressBoard(None, 0), wait)
    samples, _ = visitor.visit(_EmptyPoint(), _CALLS)
    return int(np.median(samples.rank_time_ns))


def _nothing() -> None:
    """Do nothing."""
