"""A visit: a block of calls timed without interruption."""

import gc
from dataclasses import dataclass, replace

import numpy as np

from commbench.backend import BoundPoint, Clock, Group
from commbench.environment.schedstat import RunQueueWait
from commbench.measure.cadence import Cadence
from commbench.measure.progress import CALLS, ProgressBoard
from commbench.model.result import Correctness, Samples

_SALT = 3  # of the data under load; the checks before and after timing use others


@dataclass(frozen=True, slots=True)
class Visitor:
    """How this rank times calls of one group.

    Of every `verify_every` timed calls one is checked (0: none). Its data is laid before it and looked at after it,
    outside the timed interval, and an untimed call follows, so that the other calls meet the caches as always.
    """

    group: Group
    clock: Clock
    cadence: Cadence
    board: ProgressBoard
    wait: RunQueueWait
    verify_every: int = 0

    def visit(self, bound: BoundPoint, calls: int) -> tuple[Samples, Correctness]:
        """Time `calls` calls; return this rank's stamps, shape (1, calls) on its own clock, and its verdict.

        Nothing is allocated, gathered, printed or collected between two stamps.
        """
        call, stamp, waited, numbers = bound.call, self.clock.stamp, self.wait.read_ns, self.board.numbers
        ready = self.cadence.before_call(self.group)
        checked = self._checked(calls)
        stamps = [stamp()] * (2 * calls)
        waits = [0] * (2 * calls)
        verdict = Correctness()
        self.wait.refresh()
        self.cadence.before_visit(self.group)
        gc.disable()
        try:
            for i in range(0, 2 * calls, 2):
                if checked[i]:
                    bound.prepare(_SALT)
                if ready is not None:
                    ready()
                numbers[CALLS] += 1
                waits[i] = waited()
                stamps[i] = stamp()
                call()
                stamps[i + 1] = stamp()
                waits[i + 1] = waited()
                if checked[i]:
                    verdict = _merge(verdict, bound.check(_SALT))
                    self.untimed(bound, 1)
        finally:
            gc.enable()
        resolved, waits_ns = self.clock.resolve(stamps), np.array(waits, dtype=np.int64)
        samples = Samples(
            enter_ns=resolved[0::2].reshape(1, -1),
            exit_ns=resolved[1::2].reshape(1, -1),
            wait_ns=(waits_ns[1::2] - waits_ns[0::2]).reshape(1, -1),
        )
        return samples, verdict

    def checked_calls(self, calls: int) -> int:
        """Return how many of a visit's calls are checked."""
        return sum(self._checked(calls))

    def _checked(self, calls: int) -> list[bool]:
        """Return, for every place of a stamp pair, whether that call is checked; the same on every rank."""
        if not self.verify_every or self.cadence.before_call(self.group) is None:
            return [False] * (2 * calls)  # back to back there is no time between calls
        return [i % 2 == 0 and (i // 2) % self.verify_every == self.verify_every - 1 for i in range(2 * calls)]

    def untimed(self, bound: BoundPoint, calls: int) -> None:
        """Make calls in the same cadence without timing them."""
        ready = self.cadence.before_call(self.group)
        for _ in range(calls):
            if ready is not None:
                ready()
            self.board.numbers[CALLS] += 1
            bound.call()

    def verify(self, bound: BoundPoint, salt: int) -> Correctness:
        """Make one untimed call on fresh data and return all ranks' verdict."""
        bound.prepare(salt)
        self.group.barrier()
        self.board.numbers[CALLS] += 1
        bound.call()
        self.group.barrier()
        return self.group.gather_correctness(bound.check(salt))


def _merge(one: Correctness, other: Correctness) -> Correctness:
    """Return two verdicts as one: the first wrong element, and all of them counted."""
    first, second = (one, other) if not one.is_right else (other, one)
    return replace(first, wrong_count=first.wrong_count + second.wrong_count)
