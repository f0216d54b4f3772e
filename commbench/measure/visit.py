"""A visit: a block of calls timed without interruption."""

import gc
from dataclasses import dataclass

from commbench.backend import BoundPoint, Clock, Group
from commbench.measure.cadence import Cadence
from commbench.measure.progress import CALLS, ProgressBoard
from commbench.model.result import Samples


@dataclass(frozen=True, slots=True)
class Visitor:
    """How this rank times calls of one group."""

    group: Group
    clock: Clock
    cadence: Cadence
    board: ProgressBoard

    def visit(self, bound: BoundPoint, calls: int) -> Samples:
        """Time `calls` calls and return this rank's stamps, shape (1, calls).

        Nothing is allocated, gathered, printed or collected between two stamps.
        """
        call, stamp, numbers = bound.call, self.clock.stamp, self.board.numbers
        ready = self.cadence.before_call(self.group)
        stamps = [stamp()] * (2 * calls)
        self.cadence.before_visit(self.group)
        gc.disable()
        try:
            for i in range(0, 2 * calls, 2):
                if ready is not None:
                    ready()
                numbers[CALLS] += 1
                stamps[i] = stamp()
                call()
                stamps[i + 1] = stamp()
        finally:
            gc.enable()
        resolved = self.clock.resolve(stamps)
        return Samples(enter_ns=resolved[0::2].reshape(1, -1), exit_ns=resolved[1::2].reshape(1, -1))

    def untimed(self, bound: BoundPoint, calls: int) -> None:
        """Make calls in the same cadence without timing them."""
        ready, numbers = self.cadence.before_call(self.group), self.board.numbers
        for _ in range(calls):
            if ready is not None:
                ready()
            numbers[CALLS] += 1
            bound.call()
