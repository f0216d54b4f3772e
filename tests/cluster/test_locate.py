"""What is slow in a network of hosts is named, and nothing else: `commbench locate` with real bytes on real sockets."""

import signal
import subprocess
from pathlib import Path

import pytest

from tests.cluster.conftest import MakeCluster, pids_of_ranks, signal_rank
from tests.cluster.emulation import FAB_A, FAB_B, Cluster, wait_until
from tests.cluster.locating import CASES, HOSTS, Case, command, environment, locate

pytestmark = [pytest.mark.alone, pytest.mark.ranks]
LEAST_FLOWS_BYTES = 2**20 * 3 * 4  # of each host: to three others, in four passes


@pytest.mark.parametrize("case", CASES[:4], ids=lambda case: case.name)
def test_what_is_slow_is_named_and_nothing_else(cluster: MakeCluster, tmp_path: Path, case: Case) -> None:
    lab = cluster(hosts=HOSTS, rate_a=case.rate)
    case.plant(lab)
    located = locate(lab, tmp_path)
    assert located.code == (1 if case.found else 0), located
    assert located.found == ([case.found] if case.found else []), located
    assert located.report["hosts"] == lab.names
    assert located.report["line_rate_share"] > 0.5
    assert all(sent > LEAST_FLOWS_BYTES for sent, _ in lab.bytes(FAB_A)), "the flows went another way"
    assert all(sent < LEAST_FLOWS_BYTES / 10 for sent, _ in lab.bytes(FAB_B))
    assert not list((tmp_path / "store/_searches").iterdir())


def begin(lab: Cluster, folder: Path) -> "subprocess.Popen[str]":
    """Start a search whose rounds take seconds and return when the first is under way."""
    words = [*command(lab, folder), "--size", "32MiB"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
    journals = folder.glob
    wait_until(lambda: any('"started"' in path.read_text() for path in journals("store/_searches/*/journal.jsonl")), 60)
    return process


def test_a_rank_that_dies_meanwhile_is_named_with_its_host(cluster: MakeCluster, tmp_path: Path) -> None:
    lab = cluster(hosts=2, rate_a="200mbit")
    process = begin(lab, tmp_path)
    victim = signal_rank(lab, 1, signal.SIGKILL)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 4, said
    assert f"rank 1 (pid {victim}, host cbh1) was killed by SIGKILL" in said
    assert not any(pids_of_ranks(lab, host) for host in range(2))


def test_an_interrupted_search_ends_and_says_nothing_about_links(cluster: MakeCluster, tmp_path: Path) -> None:
    lab = cluster(hosts=2, rate_a="200mbit")
    process = begin(lab, tmp_path)
    process.send_signal(signal.SIGINT)
    found, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert found == ""
    assert not list((tmp_path / "store/_searches").iterdir())
