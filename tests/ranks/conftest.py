"""Real gloo ranks on this machine, driven through the command line as a user drives it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

RANK_VARIABLES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")

SUITE = """
[suite]
name = "ranks"
[sweep]
collectives = {collectives}
sizes = {sizes}
ranks = {ranks}
backend = "gloo"
[measure]
iterations = {iterations}
warmup_iterations = 2
point_limit_s = {limit}
"""


@dataclass(frozen=True)
class Sweep:
    """A suite file and a store, and the command line on both."""

    suite: Path
    store: Path

    def command(self, *extra: str) -> list[str]:
        return [sys.executable, "-m", "commbench", "run", str(self.suite), "--store", str(self.store), *extra]

    def run(self, *extra: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*extra), capture_output=True, text=True, check=False, env=clean_environment()
        )

    def start(self, *extra: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*extra), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=clean_environment()
        )

    def points(self) -> pd.DataFrame:
        return pd.read_parquet(self.store / "points")

    def wait_for(self, kind: str, count: int = 1) -> None:
        """Return when the journal of the run under way has that many lines of a kind."""
        self.wait_until(lambda: self.journal_text().count(f'"kind":"{kind}"') >= count)

    def wait_until(self, condition: Callable[[], bool], limit_s: float = 90) -> None:
        deadline = time.monotonic() + limit_s
        while not condition():
            assert time.monotonic() < deadline, f"it did not happen within {limit_s} s: {self.journal_text()[-500:]}"
            time.sleep(0.02)

    def journal_text(self) -> str:
        return "".join(path.read_text() for path in self.store.glob("_journal/*/journal.jsonl"))


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in RANK_VARIABLES}


@pytest.fixture
def sweep(tmp_path: Path) -> Callable[..., Sweep]:
    """Return a maker of sweeps; every list is given as TOML text."""

    def make(
        collectives: str = '["all_reduce"]',
        sizes: str = '["1KiB..64KiB x4"]',
        ranks: str = "[2]",
        iterations: int = 10,
        limit: float = 60,
    ) -> Sweep:
        suite = tmp_path / "ranks.toml"
        text = SUITE.format(collectives=collectives, sizes=sizes, ranks=ranks, iterations=iterations, limit=limit)
        suite.write_text(text)
        return Sweep(suite, tmp_path / "store")

    return make
