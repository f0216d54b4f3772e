"""A crowd of writers, some of which are killed at random and start again, watched by readers."""

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from tests.stress.writer import read, run_name, write

# Children are forked from a server that has imported the store already: a restart costs milliseconds, not a second.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.stress.writer", "pandas"])


@dataclass(frozen=True)
class Crowd:
    """How many writers publish how many runs each, how often one is killed, and who reads meanwhile."""

    writers: int
    runs: int
    kills: int
    readers: tuple[str, ...]
    limit_s: float

    @property
    def run_names(self) -> set[str]:
        return {run_name(writer, run) for writer in range(self.writers) for run in range(self.runs)}


@dataclass(frozen=True)
class Aftermath:
    """What happened, and what the readers saw."""

    kills: int
    acknowledged: Counter[str]
    reads: Counter[str]  # by the reader's word: ok, or how it failed
    elapsed_s: float

    def __str__(self) -> str:
        return (
            f"{sum(self.acknowledged.values())} runs acknowledged, {self.kills} kills, {self.reads['ok']} reads, "
            f"{sum(self.reads.values()) - self.reads['ok']} of them failed, {self.elapsed_s:.0f} s"
        )


def let_loose(crowd: Crowd, place: str, folder: Path, variables: Mapping[str, str]) -> Aftermath:
    """Run the crowd, with these environment variables, until every writer has acknowledged all of its runs."""
    start, stop = time.monotonic(), _CONTEXT.Event()
    readers = [
        _CONTEXT.Process(target=read, args=(place, variables, folder / f"reader-{number}", stop, reader))
        for number, reader in enumerate(crowd.readers)
    ]

    def writer(number: int) -> ForkServerProcess:
        return _CONTEXT.Process(target=write, args=(place, variables, folder / f"ack-{number}", number, crowd.runs))

    writers = {number: writer(number) for number in range(crowd.writers)}
    for process in (*readers, *writers.values()):
        process.start()
    try:
        kills = _kill_and_restart(crowd, folder, writers, writer, start + crowd.limit_s)
    finally:
        stop.set()
        for process in writers.values():
            process.kill()
        for process in readers:
            process.join(60)
            process.kill()
    lines = [line for number in range(crowd.writers) for line in (folder / f"ack-{number}").read_text().splitlines()]
    words = [line for path in folder.glob("reader-*") for line in path.read_text().splitlines()]
    reads = Counter("ok" if word.startswith("ok ") else word for word in words)
    return Aftermath(kills, Counter(lines), reads, time.monotonic() - start)


def _kill_and_restart(
    crowd: Crowd,
    folder: Path,
    writers: dict[int, ForkServerProcess],
    start_again: Callable[[int], ForkServerProcess],
    deadline: float,
) -> int:
    """Kill one writer after another as their work goes on, so that the kills are spread over all of it."""
    dice = random.Random(20260301)
    total, kills = crowd.writers * crowd.runs, 0
    while alive := [number for number, process in writers.items() if process.is_alive()]:
        assert time.monotonic() < deadline, "the writers take too long"
        _assert_none_failed(writers)
        if kills < crowd.kills and kills <= crowd.kills * _done(folder) / total:
            victim = dice.choice(alive)
            writers[victim].kill()
            writers[victim].join()
            writers[victim] = start_again(victim)
            writers[victim].start()
            kills += 1
        time.sleep(dice.uniform(0.005, 0.02))
    _assert_none_failed(writers)
    return kills


def _assert_none_failed(writers: dict[int, ForkServerProcess]) -> None:
    failed = {number: process.exitcode for number, process in writers.items() if process.exitcode not in {None, 0}}
    assert not failed, f"writers ended by themselves: {failed}; what they said is above"


def _done(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("ack-*"))
