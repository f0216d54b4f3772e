"""Two fabrics of an emulated cluster: each rate is recovered, and the counters of every host say which carried it."""

import json
from collections.abc import Callable

import pandas as pd
import pytest

from commbench.store.store import Store
from tests.cluster.conftest import HostsRun, MakeCluster
from tests.cluster.emulation import FAB_A, FAB_B, Cluster, bits_per_s, missing_delay

pytestmark = [pytest.mark.alone, pytest.mark.ranks]

RATES = {"fast": "1gbit", "slow": "500mbit"}
GOODPUT = {"fast": 0.993, "slow": 0.956}  # what TCP's headers leave at an MTU of 9000 and of 1500
INTERFACES = {"fast": FAB_A, "slow": FAB_B}

_SUITE = """
[suite]
name = "fabrics"
[sweep]
collectives = ["all_reduce"]
sizes = {sizes}
nodes = {nodes}
backend = "gloo"
fabrics = {fabrics}
[measure]
iterations = {iterations}
warmup_iterations = 1
visit_iterations = 5
launches = {launches}
point_limit_s = 60.0
{tables}
"""
_TABLE = '[fabrics.{name}]\nkind = "tcp"\ninterface = "{interface}"\nlink_rate_gbit_s = {rate}\n'


def suite(
    run: HostsRun,
    *,
    sizes: str = '["32MiB"]',
    nodes: str = "[2, 4]",
    fabrics: tuple[str, ...] = ("fast", "slow"),
    iterations: int = 3,
    launches: int = 1,
) -> None:
    tables = [
        _TABLE.format(name=name, interface=INTERFACES[name], rate=bits_per_s(RATES[name]) / 1e9) for name in fabrics
    ]
    text = _SUITE.format(
        sizes=sizes,
        nodes=nodes,
        fabrics=json.dumps(fabrics),
        iterations=iterations,
        launches=launches,
        tables="".join(tables),
    )
    (run.folder / "hosts.toml").write_text(text)


def points_of(run: HostsRun) -> pd.DataFrame:
    store = Store.open(str(run.store), create=False)
    return store.latest_attempts(store.points())


@pytest.fixture
def two_fabrics(cluster: MakeCluster, hosts_run: Callable[[Cluster], HostsRun]) -> tuple[Cluster, HostsRun]:
    emulated = cluster(hosts=4, rate_a=RATES["fast"], rate_b=RATES["slow"])
    run = hosts_run(emulated)
    run.variables.pop("GLOO_SOCKET_IFNAME", None)  # the suite says it
    return emulated, run


@pytest.mark.timeout(300)
def test_each_fabrics_rate_and_their_ratio_are_recovered_and_every_hosts_counters_prove_them(
    two_fabrics: tuple[Cluster, HostsRun],
) -> None:
    _, run = two_fabrics
    suite(run)
    code, said = run.run()
    assert code == 0, said
    points = points_of(run)
    rows = points.to_dict("records")
    busbw = {(str(row["fabric"]), int(row["nodes"])): float(row["busbw_gb_s"]) for row in rows}
    for (fabric, _), value in busbw.items():
        assert value * 8e9 == pytest.approx(bits_per_s(RATES[fabric]), rel=0.12)
    truth = bits_per_s(RATES["fast"]) * GOODPUT["fast"] / (bits_per_s(RATES["slow"]) * GOODPUT["slow"])
    for nodes in (2, 4):
        assert busbw["fast", nodes] / busbw["slow", nodes] == pytest.approx(truth, rel=0.05)
    assert points.sort_values("launch_index")["fabric"].drop_duplicates().tolist() == ["fast", "slow"]
    assert set(points["fabric_verdict"]) == {"proven"}
    assert points["hosts"].map(len).tolist() == points["nodes"].tolist()
    for _, point in points.iterrows():
        counted = json.loads(point["fabric_counters_json"])
        assert len(counted) == point["nodes"]
        for links in counted.values():
            own = links[INTERFACES[point["fabric"]]]["tx_bytes"]
            other = links.get(INTERFACES["slow" if point["fabric"] == "fast" else "fast"], {}).get("tx_bytes", 0)
            assert own == pytest.approx(point["expected_bytes"], rel=0.01)
            assert other < 0.001 * own
    store = Store.open(str(run.store), create=False)
    assert store.runs()["fabric_verdict"].tolist() == ["proven"]


@pytest.mark.timeout(200)
def test_a_host_whose_bytes_go_over_the_other_fabric_is_contradicted_and_the_run_exits_1(
    two_fabrics: tuple[Cluster, HostsRun],
) -> None:
    """gloo binds one rank to the address of the wrong interface, and says nothing."""
    emulated, run = two_fabrics
    suite(run, nodes="[2]", fabrics=("fast",), sizes='["8MiB"]', iterations=5)
    run.hosts = run.hosts[:2]
    # The bytes to host 1's address on fabric A leave through fabric B on host 0, as a wrong route makes them.
    for host, peer in ((0, 1), (1, 0)):
        route = ["ip", "route", "replace", f"{emulated.address(peer, FAB_A)}/32"]
        emulated.run(host, *route, "via", emulated.address(peer, FAB_B), "dev", FAB_B)
    code, said = run.run()
    assert code == 1, said
    assert "fabric fast did not carry the bytes" in said
    (point,) = points_of(run).to_dict("records")
    assert point["fabric_verdict"] == "contradicted"
    assert f"{FAB_B} moved" in point["fabric_reason"]
    store = Store.open(str(run.store), create=False)
    assert store.runs()["exit_state"].tolist() == ["contradicted"]


def test_a_fabric_that_a_host_lacks_is_named_with_the_host(two_fabrics: tuple[Cluster, HostsRun]) -> None:
    _, run = two_fabrics
    suite(run, nodes="[2]", sizes='["1KiB"]', fabrics=("fast",))
    text = (run.folder / "hosts.toml").read_text().replace(f'"{FAB_A}"', '"ib9"')
    (run.folder / "hosts.toml").write_text(text)
    code, said = run.run()
    assert code == 4, said
    assert "host cbh" in said
    assert "has no network interface ib9; it has" in said


@pytest.mark.timeout(200)
def test_added_delay_shows_in_the_latency_of_small_messages(two_fabrics: tuple[Cluster, HostsRun]) -> None:
    if reason := missing_delay():
        pytest.skip(reason)
    emulated, run = two_fabrics
    suite(run, nodes="[2]", fabrics=("fast",), sizes='["8B"]', iterations=30)
    run.hosts = run.hosts[:2]

    def p50_ms() -> float:
        code, said = run.run()
        assert code == 0, said
        return float(points_of(run)["latency_p50_us"].iloc[-1]) / 1000

    without = p50_ms()
    delay_ms = 20.0
    with emulated.delay(FAB_A, delay_ms):
        delayed = p50_ms()
    # gloo asks the receiver before it sends: two one-way trips for the one exchange of two ranks.
    assert delayed - without == pytest.approx(2 * delay_ms, rel=0.2)
