"""A rank with planted behaviour: `python planted_worker.py FAULT_JSON JOURNAL_FOLDER`.

What is planted is known beforehand (`Fault.rank_of`, `Fault.is_corrupted`), and what came of it (how long a sleep
really took, when a stamp was truly taken) is written to `planted-RANK.json` in the journal's folder. Faults are in
the cadence, in the bound call and in the clock; the rest is the program that users run. Only timed calls are touched.
"""

import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from commbench.backend import BoundPoint, Group
from commbench.backend.host_clock import HostClock
from commbench.collectives.all_reduce import AllReduce
from commbench.collectives.base import Buffers, Call, Geometry, Library
from commbench.measure import worker
from commbench.measure.cadence import Cadence
from commbench.measure.perform import Performer
from commbench.measure.visit import Visitor
from commbench.model.point import Point
from commbench.model.result import Correctness, Samples

MS = 1_000_000
CORRUPTED_INDEX = 17
VICTIM = 1  # the rank whose clock or data is wrong


@dataclass(frozen=True)
class Fault:
    """What is planted; nothing by default."""

    seed: int = 1
    share: float = 0.0  # of the timed calls that are late or stall
    late_ms: float = 0.0  # one rank sleeps so long before it enters
    stall_ms: float = 0.0  # one rank sleeps so long between two halves of the collective
    clock_offset_ms: float = 0.0
    clock_drift: float = 0.0
    clock_noise_ms: float = 0.0  # the victim's stamps are random by that much
    corrupt_every: int = 0  # one call of so many delivers a wrong element
    first_call_ms: float = 0.0  # the first call of every group sleeps so long on every rank
    sleep_ms: dict[str, float] = field(default_factory=dict)  # by size in bytes: a sleep instead of the collective
    spin_share: dict[str, float] = field(default_factory=dict)  # by point: a call takes so much of its time longer

    def rank_of(self, point_id: int, call: int, world_size: int) -> int | None:
        """Return which rank is late or stalls in a timed call; None in most calls."""
        dice = random.Random(f"{self.seed}/{point_id}/{call}")
        return dice.randrange(world_size) if dice.random() < self.share else None

    def is_corrupted(self, call: int) -> bool:
        """Return whether a timed call delivers a wrong element to the victim."""
        if not self.corrupt_every:
            return False
        block, place = divmod(call, self.corrupt_every)
        return random.Random(f"{self.seed}/{block}").randrange(self.corrupt_every) == place

    def to_text(self) -> str:
        return json.dumps(asdict(self))


@dataclass
class Diary:
    """What this rank did and when, in ns of the one true clock of the host."""

    slept: list[tuple[int, int, int]] = field(default_factory=list)  # point, call, how long it took
    spun: list[tuple[int, float]] = field(default_factory=list)  # point, by which share of its time a call was longer
    stamps: dict[int, list[int]] = field(default_factory=dict)  # point: enter, exit, enter, exit, ...
    # Of each visit and gathering: begin, end, time in collectives.
    steps: list[tuple[int, int, int]] = field(default_factory=list)
    # CPU time of this thread outside collectives, of every second step only: asking for it takes wall time.
    own_cpu_ns: dict[int, int] = field(default_factory=dict)  # by the step's place in `steps`
    calls_made: dict[int, int] = field(default_factory=dict)  # point: timed calls
    busy_ns: int = 0
    busy_cpu_ns: int = 0
    counts_cpu: bool = False
    visit_stamps: list[int] | None = None


@dataclass
class Script:
    """Where this rank is in its part: `call` is the index of the timed call about to be made, None for another."""

    fault: Fault
    rank: int
    diary: Diary = field(default_factory=Diary)
    point: Point | None = None
    call: int | None = None
    ahead: list[int | None] = field(default_factory=list)

    def begin(self, point: Point, checked: list[bool]) -> None:
        """Lay out the calls of a visit: every checked call is followed by one that nobody times."""
        made = self.diary.calls_made.get(point.point_id, 0)
        self.ahead = []
        for i, is_checked in enumerate(checked):
            self.ahead += [made + i, None] if is_checked else [made + i]
        self.ahead.reverse()
        self.diary.calls_made[point.point_id] = made + len(checked)

    def in_collective(self, work: Callable[[], object]) -> None:
        """Do some work and count it as time in collectives; no more code than that, for what it takes is the tool's."""
        diary, begin = self.diary, time.perf_counter_ns()
        if diary.counts_cpu:
            begin_cpu = time.thread_time_ns()
            work()
            diary.busy_cpu_ns += time.thread_time_ns() - begin_cpu
        else:
            work()
        diary.busy_ns += time.perf_counter_ns() - begin

    def is_mine(self) -> bool:
        """Return whether this rank is the one that is late or stalls in this call."""
        assert self.point is not None
        if self.call is None:
            return False
        return self.fault.rank_of(self.point.point_id, self.call, self.point.world_size) == self.rank

    def sleep(self, duration_ms: float) -> None:
        """Sleep and note how long that really took."""
        assert self.point is not None
        begin = time.perf_counter_ns()
        time.sleep(duration_ms / 1000)
        if self.call is not None:
            self.diary.slept.append((self.point.point_id, self.call, time.perf_counter_ns() - begin))

    def spin(self, call_ns: int, share: float) -> None:
        """Keep the core busy for a share of what a call took, and note how long that really was."""
        assert self.point is not None
        begin = now = time.perf_counter_ns()
        while now - begin < share * call_ns:
            now = time.perf_counter_ns()
        if self.call is not None:
            self.diary.spun.append((self.point.point_id, (now - begin) / call_ns))


class LateCadence:
    """A cadence after which this rank is sometimes late."""

    def __init__(self, right: Cadence, script: Script) -> None:
        self.name, self._right, self._script = right.name, right, script

    def before_call(self, group: Group) -> Callable[[], object] | None:
        ready = self._right.before_call(group)
        return None if ready is None else lambda: self._ready(ready)

    def before_visit(self, group: Group) -> None:
        self._right.before_visit(group)

    def _ready(self, ready: Callable[[], object]) -> None:
        script = self._script
        script.in_collective(ready)
        script.call = script.ahead.pop()
        if script.fault.late_ms and script.is_mine():
            script.sleep(script.fault.late_ms)


class FaultyPoint(BoundPoint):
    """A bound point whose call does what the script says."""

    def __init__(self, right: Any, script: Script) -> None:
        self._right, self._script, self._call = right, script, right.call
        self.prepare, self.check = right.prepare, right.check  # type: ignore[method-assign]
        self.call = self._faulty

    def prepare(self, salt: int) -> None: ...

    def check(self, salt: int) -> Correctness: ...  # type: ignore[empty-body]

    def _faulty(self) -> None:
        self._script.in_collective(self._tampered)

    def _tampered(self) -> None:
        fault, script = self._script.fault, self._script
        assert script.point is not None
        length_ms = fault.sleep_ms.get(str(script.point.requested_bytes))
        begin = time.perf_counter_ns()
        if length_ms is not None:
            self._script.sleep(length_ms)
        else:
            self._call()
        if share := fault.spin_share.get(str(script.point.point_id)):
            script.spin(time.perf_counter_ns() - begin, share)
        if fault.stall_ms:
            if script.is_mine():
                script.sleep(fault.stall_ms)
            self._call()
        if script.rank == VICTIM and script.call is not None and fault.is_corrupted(script.call):
            self._right._buffers.recv[CORRUPTED_INDEX] += 1


def plant(script: Script) -> None:
    """Put the script between the program's parts."""
    _plant_in_visits(script)
    fault = script.fault
    if fault.clock_offset_ms or fault.clock_drift or fault.clock_noise_ms:
        _plant_in_clock(script)
    if fault.first_call_ms:
        _plant_in_first_calls(fault.first_call_ms)


def _plant_in_visits(script: Script) -> None:
    right_step, right_gather, diary = Performer.visit, Performer.gather, script.diary
    right_visit, right_untimed = Visitor.visit, Visitor.untimed

    @contextmanager
    def noted() -> Iterator[None]:
        diary.counts_cpu = len(diary.steps) % 2 == 1
        begin, busy = time.perf_counter_ns(), diary.busy_ns
        begin_cpu, busy_cpu = time.thread_time_ns(), diary.busy_cpu_ns
        try:
            yield
        finally:
            if diary.counts_cpu:
                own_ns = time.thread_time_ns() - begin_cpu - (diary.busy_cpu_ns - busy_cpu)
                diary.own_cpu_ns[len(diary.steps)] = own_ns
            diary.steps.append((begin, time.perf_counter_ns(), diary.busy_ns - busy))

    def step(self: Performer, point: Point, calls: int) -> Any:
        script.point = point
        try:
            with noted():
                return right_step(self, point, calls)
        finally:
            script.point = None

    def gather(self: Performer, point: Point, group: Group) -> Any:
        with noted():
            return right_gather(self, point, group)

    def lead_in(self: Visitor, bound: BoundPoint, calls: int) -> int:
        """Make calls as long as the timed ones, so that the program expects of these what it would without a plan."""
        if script.point is None or diary.visit_stamps is not None:
            return right_untimed(self, bound, calls)
        script.ahead = [None] * calls
        late = replace(self, cadence=LateCadence(self.cadence, script))
        return right_untimed(late, FaultyPoint(bound, script), calls)

    def visit(
        self: Visitor, bound: BoundPoint, calls: int, quickest_ns: int = 0, made: int = 0
    ) -> tuple[Samples, Correctness]:
        if script.point is None:
            return right_visit(self, bound, calls, quickest_ns, made)
        script.begin(script.point, self.checked(calls, made))
        diary.visit_stamps = []
        try:
            late = replace(self, cadence=LateCadence(self.cadence, script))
            return right_visit(late, FaultyPoint(bound, script), calls, quickest_ns, made)
        finally:
            diary.stamps.setdefault(script.point.point_id, []).extend(diary.visit_stamps[1:])  # the first fills a list
            diary.visit_stamps = None

    Performer.visit = step  # type: ignore[method-assign]
    Performer.gather = gather  # type: ignore[method-assign]
    Visitor.visit = visit  # type: ignore[method-assign]
    Visitor.untimed = lead_in  # type: ignore[method-assign]


def _plant_in_clock(script: Script) -> None:
    fault, base_ns, dice = script.fault, time.perf_counter_ns(), random.Random(script.rank)
    is_wrong, read, diary = script.rank == VICTIM, time.perf_counter_ns, script.diary
    offset_ns, noise_ns = round(fault.clock_offset_ms * MS), round(fault.clock_noise_ms * MS)

    def stamp() -> int:
        true_ns = read()
        if diary.visit_stamps is not None:
            diary.visit_stamps.append(true_ns)
        if not is_wrong:
            return true_ns
        return true_ns + offset_ns + round((true_ns - base_ns) * fault.clock_drift) + dice.randint(0, noise_ns)

    HostClock.stamp = property(lambda self: stamp)  # type: ignore[assignment,method-assign]


def _plant_in_first_calls(first_call_ms: float) -> None:
    right, met = AllReduce.bind, set()

    def bind(self: AllReduce, library: Library, buffers: Buffers, geometry: Geometry, rank: int) -> Call:
        call = right(self, library, buffers, geometry, rank)

        def connecting() -> None:
            if geometry.world_size not in met:
                met.add(geometry.world_size)
                time.sleep(first_call_ms / 1000)
            call()

        return connecting

    AllReduce.bind = bind  # type: ignore[method-assign]


def main() -> int:
    fault, folder, rank = Fault(**json.loads(sys.argv[1])), Path(sys.argv[2]), int(os.environ["RANK"])
    script = Script(fault, rank)
    plant(script)
    try:
        return worker.main([str(folder)])
    finally:
        (folder / f"planted-{rank}.json").write_text(json.dumps(asdict(script.diary)))


if __name__ == "__main__":
    sys.exit(main())
