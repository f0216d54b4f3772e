"""`commbench locate` on an emulated cluster, and the faults of links that it must find."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster.conftest import LAUNCHERS
from tests.cluster.emulation import FAB_A, Cluster

HOSTS = 4
# Slow enough that the wire is the bottleneck and not the two cores that all hosts share.
RATE = "400mbit"
SIZE = "1MiB"

SUITE = """
[suite]
name = "links"
[sweep]
collectives = ["all_reduce"]
sizes = [8]
backend = "gloo"
fabrics = ["fast"]
[fabrics.fast]
kind = "tcp"
interface = "fabA"
link_rate_gbit_s = 0.4
"""


@dataclass(frozen=True)
class Case:
    """A planted fault, and the only finding that is right: tx, rx or path with its rank or ranks."""

    name: str
    plant: Callable[[Cluster], None]
    found: tuple[Any, ...] = ()
    rate: str = RATE


# The seven cases of design page measurement.md, section 3.5, in shares of the line rate.
CASES = (
    Case("nothing", lambda lab: None),
    Case("egress of host 2 at a tenth", lambda lab: lab.slow_tx(2, FAB_A, "40mbit"), ("slow_tx", 2)),
    Case("ingress of host 0 at a tenth", lambda lab: lab.slow_rx(0, FAB_A, "40mbit"), ("slow_rx", 0)),
    Case("path 1 to 3 at a tenth", lambda lab: lab.slow_path(1, FAB_A, 3, "40mbit"), ("slow_path", 1, 3)),
    Case("path 3 to 0 at a fifth", lambda lab: lab.slow_path(3, FAB_A, 0, "80mbit"), ("slow_path", 3, 0)),
    Case("egress of host 1 at a third", lambda lab: lab.slow_tx(1, FAB_A, "130mbit"), ("slow_tx", 1)),
    Case("nothing, on a slower fabric", lambda lab: None, rate="200mbit"),
)


@dataclass(frozen=True)
class Located:
    """What the command said."""

    code: int
    report: dict[str, Any]
    said: str

    @property
    def found(self) -> list[tuple[Any, ...]]:
        """Return the findings in the words of a Case."""
        ends = [(kind, each["rank"]) for kind in ("slow_tx", "slow_rx") for each in self.report[kind]]
        return [*ends, *(("slow_path", each["from"], each["to"]) for each in self.report["slow_path"])]


def command(cluster: Cluster, folder: Path, *extra: str) -> list[str]:
    """Return the command line that searches over fabric A."""
    suite = folder / "links.toml"
    suite.write_text(SUITE)
    where = ["--hosts", ",".join(cluster.names), "--remote-shell", str(cluster.shell), "--store", str(folder / "store")]
    how = ["--suite", str(suite), "--size", SIZE]
    return [sys.executable, "-m", "commbench", "locate", *where, *how, *extra]


def environment() -> dict[str, str]:
    """Return the environment without any launcher's variables."""
    return {name: value for name, value in os.environ.items() if name not in LAUNCHERS}


def locate(cluster: Cluster, folder: Path) -> Located:
    """Search once and return what was said."""
    done = subprocess.run(
        command(cluster, folder, "--json"), capture_output=True, text=True, check=False, env=environment(), timeout=100
    )
    reports = json.loads(done.stdout) if done.stdout else [{}]
    return Located(done.returncode, reports[0], done.stderr)
