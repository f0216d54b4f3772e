"""Short nights on an emulated cluster: 24 green ones, then one host's link is cut, and that host is named.

Thirty launches take minutes, so this runs where COMMBENCH_NIGHTS is set (`make truth-nightly`); the same story on the
simulated fabric is in tests/cli/test_nightly.py.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.cluster.conftest import HostsRun, MakeCluster
from tests.cluster.emulation import FAB_A, Cluster

HOSTS, LEARNING, FIRST_BAD, LAST = 4, 20, 25, 29
RATE, CUT = "400mbit", "320mbit"  # 80 %
BAD_HOST = 2

SUITE = """\
[suite]
name = "night"
cluster = "emulated"
[sweep]
collectives = ["all_reduce"]
sizes = ["2MiB", "4MiB"]
nodes = [2]
backend = "gloo"
fabrics = ["a"]
[fabrics.a]
kind = "tcp"
interface = "{interface}"
[measure]
iterations = 8
warmup_iterations = 2
visit_iterations = 4
"""

pytestmark = [
    pytest.mark.alone,
    pytest.mark.ranks,
    pytest.mark.skipif("COMMBENCH_NIGHTS" not in os.environ, reason="takes minutes: make truth-nightly runs it"),
]


def night(run: HostsRun, number: int) -> tuple[int, dict[str, object], str]:
    """Measure a night of two hosts of four, others each night; return its exit code, verdict and words."""
    where = ["--hosts", ",".join(run.hosts), "--ranks-per-host", "1", "--remote-shell", run.shell]
    verdict = run.folder / "verdict.json"
    command = [sys.executable, "-m", "commbench", "nightly", str(run.folder / "night.toml"), *where]
    command += ["--store", str(run.store), "--night", f"2026-03-{number:02d}", "--json", str(verdict)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    return done.returncode, json.loads(verdict.read_text()), done.stdout + done.stderr


@pytest.mark.timeout(3600)
def test_a_host_whose_link_is_cut_to_80_percent_is_found_and_named_after_24_green_nights(
    cluster: MakeCluster, hosts_run: Callable[[Cluster], HostsRun]
) -> None:
    lab = cluster(hosts=HOSTS, rate_a=RATE)
    run = hosts_run(lab)
    (run.folder / "night.toml").write_text(SUITE.format(interface=FAB_A))
    codes, found_on, named_on = [], None, None
    for number in range(1, LAST + 1):
        if number == FIRST_BAD:
            lab.slow(BAD_HOST, FAB_A, CUT)
        code, verdict, said = night(run, number)
        assert code in {0, 1, 3}, said
        codes.append(code)
        incidents = verdict["incidents"]
        assert isinstance(incidents, list)
        names = [host["host"] for each in incidents for host in each["hosts"] if host["is_named"]]
        found_on = found_on or (number if code == 1 else None)
        named_on = named_on or (number if names else None)
        print(number, code, said.splitlines()[-1] if code == 3 else said[:2000], flush=True)
        assert set(names) <= {lab.names[BAD_HOST]}, "another host was accused"
        if number >= FIRST_BAD and named_on:
            break
    print(f"codes {codes}; found on night {found_on}, host named on night {named_on}")
    assert codes[: FIRST_BAD - 1] == [3] * LEARNING + [0] * (FIRST_BAD - 1 - LEARNING)
    assert found_on is not None
    assert named_on is not None
