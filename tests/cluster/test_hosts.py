"""One command measures over several hosts; the hosts are emulated, the ranks and the bytes are real."""

from collections.abc import Callable

import pandas as pd
import pytest

from tests.cluster.conftest import HostsRun, MakeCluster
from tests.cluster.emulation import FAB_A, FAB_B, Cluster

pytestmark = pytest.mark.ranks
MakeRun = Callable[[Cluster], HostsRun]


def test_ranks_on_four_hosts_measure_and_check_every_point_on_the_fabric_that_was_named(
    cluster: MakeCluster, hosts_run: MakeRun
) -> None:
    lab = cluster(hosts=4)
    run = hosts_run(lab)
    run.suite(ranks="[2, 4]", iterations=20, launches=2, limit=60, sizes='["1KiB", "256KiB"]')
    code, said = run.run()
    assert code == 0, said
    points = run.points()
    assert len(points) == 2 * 2 * 2  # rank counts, sizes, launches: each launch had ranks of its own
    assert set(points["status"]) == {"ok"}
    assert set(points["wrong_count"]) == {0}
    for world_size, hosts in zip(points["world_size"], points["hosts"], strict=True):
        assert list(hosts) == lab.names[:world_size]
    assert list(pd.read_parquet(run.store / "runs")["launcher"]) == ["hosts"]
    at_least_bytes = 2 * 2 * 20 * 256 * 1024  # rank counts, launches, calls of the larger size
    assert all(sent > at_least_bytes for sent, _ in lab.bytes(FAB_A)[:2])
    assert all(sent < 10_000 for sent, _ in lab.bytes(FAB_B))


def test_several_ranks_on_each_host_and_a_default_interface_towards_the_first_host(
    cluster: MakeCluster, hosts_run: MakeRun
) -> None:
    run = hosts_run(cluster(hosts=2))
    run.variables.clear()
    run.suite(ranks="[4]", iterations=5, limit=60, sizes='["1KiB"]')
    code, said = run.run("--ranks-per-host", "2")
    assert code == 0, said
    (hosts,) = run.points()["hosts"]
    assert list(hosts) == ["cbh0", "cbh1"]
