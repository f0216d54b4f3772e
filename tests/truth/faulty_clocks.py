"""Clocks and wires whose truth is known, and ranks that compare such clocks through real sockets."""

import multiprocessing
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from commbench.errors import CommbenchError
from commbench.measure.clock_offsets import OffsetBound, Ping
from commbench.measure.clock_sync import ClockSync

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class FaultyClock:
    """A local clock that runs off the root's (the true time): its reading at true time t, both in ns."""

    offset_ns: int = 0
    drift: float = 0.0
    base_ns: int = 0

    def at(self, true_ns: int) -> int:
        return true_ns + self.offset_ns + round((true_ns - self.base_ns) * self.drift)

    def true(self, local_ns: int) -> float:
        return self.base_ns + (local_ns - self.offset_ns - self.base_ns) / (1 + self.drift)

    def now(self) -> int:
        return self.at(time.perf_counter_ns())


@dataclass
class Wire:
    """A path to the root: round trips of at least `round_trip_ns`, of which a share is the way there."""

    round_trip_ns: int
    share_there: float
    generator: random.Random
    now_ns: int = 0

    def ping(self, clock: FaultyClock) -> Ping:
        """Ask the root once; now and then the network or the scheduler delays one way by milliseconds."""
        slow = [self.generator.expovariate(1 / (0.1 * self.round_trip_ns)) for _ in range(2)]
        if self.generator.random() < 0.05:
            slow[self.generator.randrange(2)] += self.generator.expovariate(1 / 2e6)
        sent = self.now_ns
        answered = sent + round(self.round_trip_ns * self.share_there + slow[0])
        self.now_ns = answered + round(self.round_trip_ns * (1 - self.share_there) + slow[1])
        return Ping(clock.at(sent), answered, clock.at(self.now_ns))


@dataclass
class Board:
    """A meeting of threads or processes: words written once, heard when they are there."""

    address: str = LOOPBACK
    words: dict[str, str] = field(default_factory=dict)
    written: threading.Condition = field(default_factory=threading.Condition)

    def announce(self, key: str, text: str) -> None:
        with self.written:
            self.words[key] = text
            self.written.notify_all()

    def hear(self, key: str) -> str:
        with self.written:
            assert self.written.wait_for(lambda: key in self.words, timeout=30)
            return self.words[key]


@dataclass
class PipeBoard:
    """A meeting of rank 0 with one other process."""

    pipe: "Connection[Any, Any]"
    address: str = LOOPBACK

    def announce(self, key: str, text: str) -> None:
        self.pipe.send(text)

    def hear(self, key: str) -> str:
        return str(self.pipe.recv())


def compare_in_another_process(clock: FaultyClock, pauses_s: Sequence[float]) -> list[OffsetBound]:
    """Return what a process with that clock finds out about ours, in syncs with pauses between them."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_other_rank, args=(there, clock, len(pauses_s)))
    process.start()
    sync = ClockSync.open(PipeBoard(here), 0, 2, LOOPBACK, time.perf_counter_ns)
    for pause_s in pauses_s:
        sync.sync((0, 1))
        time.sleep(pause_s)
    found: list[OffsetBound] = here.recv()
    sync.close()
    process.join(30)
    assert process.exitcode == 0
    return found


def _other_rank(pipe: "Connection[Any, Any]", clock: FaultyClock, syncs: int) -> None:
    sync = ClockSync.open(PipeBoard(pipe), 1, 2, LOOPBACK, clock.now)
    pipe.send([sync.sync((0, 1)) for _ in range(syncs)])
    sync.close()


def in_threads(ranks: int, work: Callable[[int], object]) -> list[object]:
    """Return what every rank's work returned or raised, all at once, in rank order."""
    outcomes: list[object] = [None] * ranks

    def run(rank: int) -> None:
        try:
            outcomes[rank] = work(rank)
        except CommbenchError as error:
            outcomes[rank] = error

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(ranks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return outcomes
