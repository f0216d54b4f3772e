"""Emulated hosts and the command line that runs on them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from tests.cluster.emulation import FAB_A, Cluster, missing

MakeCluster = Callable[..., Cluster]
LAUNCHERS = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")

SUITE = """
[suite]
name = "hosts"
[sweep]
collectives = ["all_reduce"]
sizes = {sizes}
ranks = {ranks}
backend = "gloo"
[measure]
iterations = {iterations}
warmup_iterations = 2
point_limit_s = {limit}
launches = {launches}
"""


@pytest.fixture(scope="session")
def can_emulate() -> None:
    if reason := missing():
        pytest.skip(reason)


@pytest.fixture
def cluster(can_emulate: None, tmp_path: Path) -> Iterator[MakeCluster]:
    """Return a maker of clusters: cluster(hosts=4, rate_a="1gbit", rate_b="500mbit")."""
    with ExitStack() as stack:
        yield lambda **how: stack.enter_context(Cluster(tmp_path, **how))


@dataclass
class HostsRun:
    """A suite, a store, and the command line that measures it on some hosts."""

    folder: Path
    shell: str
    hosts: list[str]
    variables: dict[str, str]

    @property
    def store(self) -> Path:
        return self.folder / "store"

    def suite(
        self, ranks: str = "[2]", iterations: int = 400, limit: float = 60, launches: int = 1, sizes: str = ""
    ) -> Path:
        path = self.folder / "hosts.toml"
        sizes = sizes or '["1KiB", "2KiB", "4KiB", "8KiB"]'
        path.write_text(SUITE.format(ranks=ranks, iterations=iterations, limit=limit, launches=launches, sizes=sizes))
        return path

    def command(self, *extra: str) -> list[str]:
        where = ["--hosts", ",".join(self.hosts), "--remote-shell", self.shell, "--store", str(self.store)]
        return [sys.executable, "-m", "commbench", "run", str(self.folder / "hosts.toml"), *where, *extra]

    def start(self, *extra: str) -> "subprocess.Popen[str]":
        environ = {name: value for name, value in os.environ.items() if name not in LAUNCHERS}
        return subprocess.Popen(self.command(*extra), stderr=subprocess.PIPE, text=True, env=environ | self.variables)

    def run(self, *extra: str) -> tuple[int, str]:
        """Return the exit code and what was said."""
        process = self.start(*extra)
        return self.wait(process)

    def wait(self, process: "subprocess.Popen[str]", limit_s: float = 200) -> tuple[int, str]:
        _, said = process.communicate(timeout=limit_s)
        return process.returncode, said

    def points(self) -> pd.DataFrame:
        return pd.read_parquet(self.store / "points")

    def journal_text(self) -> str:
        return "".join(path.read_text() for path in self.store.glob("_journal/*/journal.jsonl"))

    def wait_for(self, kind: str, count: int = 1, limit_s: float = 90) -> None:
        """Return when the journal of the run under way has that many lines of a kind."""
        deadline = time.monotonic() + limit_s
        while self.journal_text().count(f'"kind":"{kind}"') < count:
            assert time.monotonic() < deadline, f"it did not happen within {limit_s} s: {self.journal_text()[-500:]}"
            time.sleep(0.02)


@pytest.fixture
def hosts_run(tmp_path: Path) -> Callable[[Cluster], HostsRun]:
    """Return a maker of runs on all hosts of a cluster, over fabric A."""
    return lambda cluster: HostsRun(tmp_path, str(cluster.shell), cluster.names, {"GLOO_SOCKET_IFNAME": FAB_A})


def pids_of_ranks(cluster: Cluster, host: int) -> list[int]:
    """Return the processes on a host that are ranks."""
    return [pid for pid in cluster.pids(host) if is_rank(_words(pid))]


def is_rank(words: Sequence[str]) -> bool:
    """Return whether a command line is a rank's, not that of the program above it."""
    return "commbench.measure.worker" in words and "commbench.launch.ranks" not in words


def _words(pid: int) -> list[str]:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    return []


def signal_rank(cluster: Cluster, host: int, number: int) -> int:
    """Send a signal to a host's only rank and return its pid."""
    (pid,) = pids_of_ranks(cluster, host)
    os.kill(pid, number)
    return pid
