"""A visit: a block of calls timed without interruption."""

import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from commbench.backend import BoundPoint, Clock, Group, Stamp
from commbench.environment.schedstat import RunQueueWait
from commbench.measure.cadence import Cadence
from commbench.measure.progress import CALLS, ProgressBoard
from commbench.model.result import Correctness, Samples

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SLOW = 3  # times the quickest, so about twice the median: beyond that somebody may ask what a call waited for
_WAIT_WINDOW_CALLS = 8  # the wait is read anew at least so often: before the ranks meet, where it costs no call time
_SALT = 3  # of the data under load; the checks before and after timing use others


@dataclass(frozen=True, slots=True)
class Visitor:
    """How this rank times calls of one group.

    Of every `verify_every` timed calls of a point one is checked (0: none), however short its visits are. Its data is
    laid before it and looked at after it, outside the timed interval, and an untimed call follows, so that the other
    calls meet the caches as always.
    """

    group: Group
    clock: Clock
    cadence: Cadence
    board: ProgressBoard
    wait: RunQueueWait
    verify_every: int = 0

    def visit(self, bound: BoundPoint, calls: int, quickest_ns: int = 0, made: int = 0) -> tuple[Samples, Correctness]:
        """Time `calls` calls; return this rank's stamps, shape (1, calls) on its own clock, and its verdict.

        Nothing is allocated, gathered, printed or collected between two stamps. The wait for a CPU is read only after
        calls much slower than the quickest, for reading it around every call makes the call itself ten per cent longer
        (gloo, 64 B to 64 KiB, 2 ranks); a call's wait may so include that of up to seven quick calls before it.
        `quickest_ns` is a first idea of the quickest; 0: read after every call. `made` is how many timed calls of the
        point came before: it says which of these are checked.
        """
        call, stamp, waited, numbers = bound.call, self.clock.stamp, self.wait.read_ns, self.board.numbers
        ready, checked = self.cadence.before_call(self.group), self.checked(calls, made)
        stamps, waits, verdict = [stamp()] * (2 * calls), [0] * calls, Correctness()
        has_waits = self.clock.is_comparable  # a device's events say nothing before the visit is over
        waited_before = 0
        bound.take_marks()  # those of calls that nobody times
        self.cadence.before_visit(self.group)
        gc.disable()
        try:
            for i in range(calls):
                if checked[i]:
                    bound.prepare(_SALT)
                if has_waits and i % _WAIT_WINDOW_CALLS == 0:
                    waited_before = waited()
                if ready is not None:
                    ready()
                numbers[CALLS] += 1
                stamps[2 * i] = entered = stamp()
                call()
                stamps[2 * i + 1] = left = stamp()
                if has_waits:
                    took_ns = left - entered
                    if took_ns > _SLOW * quickest_ns:
                        now = waited()
                        waits[i], waited_before = now - waited_before, now
                    elif took_ns < quickest_ns:
                        quickest_ns = took_ns
                if checked[i]:
                    verdict = merge_verdicts(verdict, bound.check(_SALT))
                    self.untimed(bound, 1)
        finally:
            gc.enable()
        enter, *parts, leave = self._resolve(stamps, bound.take_marks(), checked)
        return Samples(enter, leave, np.array(waits, dtype=np.int64).reshape(1, -1), *parts), verdict

    def _resolve(
        self, stamps: list[Stamp], marks: Sequence[Stamp], checked: Sequence[bool]
    ) -> "list[NDArray[np.int64]]":
        """Return the stamps of the timed calls, one array (1, calls) for each place where they were taken.

        The call made after each checked one has marks too, but nobody timed it.
        """
        if not marks:
            in_order, places = stamps, 2
        else:
            in_order, places = [], 4
            for i, untimed in zip(range(len(checked)), accumulate(checked, initial=0), strict=False):
                call = i + untimed
                in_order += [stamps[2 * i], marks[2 * call], marks[2 * call + 1], stamps[2 * i + 1]]
        resolved = self.clock.resolve(in_order)
        return [resolved[place::places].reshape(1, -1) for place in range(places)]

    def checked(self, calls: int, made: int = 0) -> list[bool]:
        """Return whether each call of a visit is checked, which `made` calls came before; the same on every rank."""
        if not self.verify_every or self.cadence.before_call(self.group) is None:
            return [False] * calls  # back to back there is no time between calls
        return [i % self.verify_every == self.verify_every - 1 for i in range(made, made + calls)]

    def untimed(self, bound: BoundPoint, calls: int) -> int:
        """Make calls in the same cadence that are no samples; return how long the quickest took on the host, in ns."""
        ready, quickest_ns = self.cadence.before_call(self.group), 0
        for _ in range(calls):
            if ready is not None:
                ready()
            self.board.numbers[CALLS] += 1
            begun_ns = time.perf_counter_ns()
            bound.call()
            took_ns = time.perf_counter_ns() - begun_ns
            quickest_ns = min(quickest_ns or took_ns, took_ns)
        return quickest_ns

    def verify(self, bound: BoundPoint, salt: int) -> Correctness:
        """Make one untimed call on fresh data and return all ranks' verdict."""
        bound.prepare(salt)
        self.group.barrier()
        self.board.numbers[CALLS] += 1
        bound.call()
        self.group.barrier()
        return self.group.gather_correctness(bound.check(salt))


def merge_verdicts(one: Correctness, other: Correctness) -> Correctness:
    """Return two of a rank's verdicts as one: the first wrong element, and all of them counted."""
    first, second = (one, other) if not one.is_right else (other, one)
    return replace(first, wrong_count=first.wrong_count + second.wrong_count)
