"""The command as a user runs it: a process of its own, with a suite and a store of the test."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

TINY = """\
[suite]
name = "tiny"
[sweep]
collectives = ["all_reduce", "all_gather"]
sizes = ["1KiB..1MiB x32"]
ranks = [2, 4]
backend = "simulated"
[measure]
iterations = 5
"""
TINY_POINTS = 12

# Seconds of work: the simulation takes a few milliseconds for each point.
LONG = """\
[suite]
name = "long"
[sweep]
collectives = ["all_reduce", "all_gather", "broadcast"]
sizes = ["1KiB..50KiB +1KiB"]
ranks = [2]
backend = "simulated"
[measure]
iterations = 400
"""
LONG_POINTS = 150


def environment(**variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COMMBENCH_", "SLURM_"))}
    return kept | {"COLUMNS": "120", "NO_COLOR": "1"} | variables


@dataclass(frozen=True)
class Workplace:
    """A folder with a store and suites, and the command in it."""

    path: Path

    @property
    def store(self) -> Path:
        return self.path / "results"  # where the command looks when nothing is said

    def write(self, name: str, text: str) -> str:
        (self.path / name).write_text(text)
        return name

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "commbench", *arguments]

    def run(self, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self.command(*arguments),
            cwd=self.path,
            env=environment(**variables),
            capture_output=True,
            text=True,
            check=False,
        )

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.path,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def rows(self) -> pd.DataFrame:
        """Return the rows as anybody reads them, without commbench."""
        return pd.read_parquet(self.store / "points")

    def wait_for_results(self, more: int) -> None:
        """Return when the journal has grown by as many lines with results."""
        goal = self._results() + more
        deadline = time.monotonic() + 60
        while self._results() < goal:
            assert time.monotonic() < deadline, "the run does not come on"
            time.sleep(0.005)

    def _results(self) -> int:
        lines = self.store.glob("_journal/*/journal.jsonl")
        return sum(path.read_bytes().count(b'"kind":"result"') for path in lines)
