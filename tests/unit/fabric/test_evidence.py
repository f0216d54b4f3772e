import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commbench.fabric.counters import LinkDelta, deltas, snapshot
from commbench.fabric.evidence import choice_of, judge
from commbench.fabric.names import Fabric, fabric_of
from commbench.fabric.nccl_facts import NcclLog
from commbench.fabric.nccl_log import parse_nccl_log
from commbench.fabric.traffic import HostTraffic
from commbench.model.evidence import Verdict

from .trees import IB, count, interface, pci, plug, port, proc_net_dev

SAMPLES = Path(__file__).parents[4] / "shared/samples/nccl"
GB = 10**9
HEAD = "node0:100:200 [0] NCCL INFO "
FAB_A = Fabric("fabA", "tcp", "fabA")


def link(name: str, tx: int | None, fabric: str = "tcp", rx: int | None = None, **facts: object) -> LinkDelta:
    return LinkDelta(name, fabric, tx, tx if rx is None else rx, **facts)  # type: ignore[arg-type]


def host(name: str, *links: LinkDelta, expected: int = GB, own: tuple[str, ...] = ()) -> HostTraffic:
    return HostTraffic(name, expected, links, own)


def log(*messages: str) -> NcclLog:
    return parse_nccl_log("\n".join(HEAD + message for message in messages))


def test_bytes_counted_on_the_fabric_of_every_host_and_nowhere_else_are_proof() -> None:
    hosts = [host(f"h{i}", link("fabA", GB + i * 10**6), link("fabB", 70), own=("fabA",)) for i in range(4)]
    found = judge(FAB_A, hosts, nodes=4, variables={"GLOO_SOCKET_IFNAME": "fabA"}, link_rate_gbit_s=1.0)
    assert (found.verdict, found.expected_bytes, found.moved_share) == (Verdict.PROVEN, GB, 1.0)
    assert "counters of 4 hosts: fabA of h0 moved 1.00 of the expected bytes, all other links 0.00" in found.reason
    assert json.loads(found.counters_json)["h3"]["fabA"] == {
        "fabric": "tcp",
        "rx_bytes": GB + 3 * 10**6,
        "tx_bytes": GB + 3 * 10**6,
    }
    assert found.link_rate_gbit_s == 1.0


def test_one_host_whose_bytes_went_another_way_contradicts_all() -> None:
    hosts = [host(f"h{i}", link("fabA", GB), link("fabB", 0), own=("fabA",)) for i in range(3)]
    stray = host("h3", link("fabA", 0), link("fabB", GB), own=("fabA",))
    found = judge(FAB_A, [*hosts, stray], nodes=4, variables={"GLOO_SOCKET_IFNAME": "fabA"})
    assert found.verdict == Verdict.CONTRADICTED
    assert found.reason == "on h3 fabB moved 1.00 of the expected bytes, fabA 0.00"
    assert found.moved_share == 0.0


def test_bytes_that_were_split_between_two_fabrics_contradict() -> None:
    hosts = [host(f"h{i}", link("fabA", GB // 2), link("fabB", GB // 2), own=("fabA",)) for i in range(2)]
    assert judge(FAB_A, hosts, nodes=2).verdict == Verdict.CONTRADICTED


def test_infiniband_that_ran_on_sockets_is_contradicted_whatever_the_settings_say() -> None:
    links = (link("mlx5_0:1", 0, "infiniband"), link("mlx5_1:1", 0, "infiniband"), link("eth0", GB))
    found = judge(fabric_of("ib"), [host("h0", *links), host("h1", *links)], nodes=2, variables={"NCCL_NET": "IB"})
    assert found.verdict == Verdict.CONTRADICTED
    assert "eth0 moved 1.00" in found.reason


def test_several_rails_of_a_fabric_are_counted_together() -> None:
    rails = tuple(link(f"mlx5_{i}:1", GB // 8, "infiniband") for i in range(8))
    found = judge(fabric_of("ib"), [host("h0", *rails), host("h1", *rails)], nodes=2)
    assert (found.verdict, found.moved_share) == (Verdict.PROVEN, 1.0)


def test_headers_and_small_messages_count_more_than_was_asked_for_and_still_prove() -> None:
    hosts = [host(f"h{i}", link("fabA", 12 * GB), link("mgmt", 10**6), own=("fabA",)) for i in range(2)]
    assert judge(FAB_A, hosts, nodes=2).verdict == Verdict.PROVEN


@pytest.mark.parametrize(("on_a", "on_b"), [(0, 0), (GB // 2, 0), (GB, GB), (GB, GB // 2)])
def test_what_counters_leave_open_is_unknown_and_settings_do_not_outweigh_it(on_a: int, on_b: int) -> None:
    hosts = [host(f"h{i}", link("fabA", on_a), link("fabB", on_b), own=("fabA",)) for i in range(2)]
    found = judge(FAB_A, hosts, nodes=2, variables={"GLOO_SOCKET_IFNAME": "fabA"})
    assert found.verdict == Verdict.UNKNOWN
    assert found.moved_share == on_a / GB


def test_small_totals_are_below_the_noise_and_only_planned() -> None:
    hosts = [host(f"h{i}", link("fabA", 50_000), link("mgmt", 400_000), expected=16_000, own=("fabA",)) for i in (0, 1)]
    found = judge(FAB_A, hosts, nodes=2, variables={"GLOO_SOCKET_IFNAME": "fabA"})
    assert found.verdict == Verdict.PLANNED
    assert found.reason == "asked for by GLOO_SOCKET_IFNAME=fabA; nobody counted"
    unplanned = judge(FAB_A, hosts, nodes=2)
    assert (unplanned.verdict, unplanned.moved_share) == (Verdict.UNKNOWN, None)
    assert "less than what goes on besides" in unplanned.reason


def test_a_port_that_counts_nothing_is_unknown_and_not_contradicted() -> None:
    silent = (link("mlx5_0:1", None, "infiniband"), link("eth0", 1000))
    found = judge(fabric_of("ib"), [host("h0", *silent), host("h1", *silent)], nodes=2)
    assert found.verdict == Verdict.UNKNOWN
    assert "no link of infiniband counts its bytes on h0" in found.reason


def test_on_one_host_no_network_is_needed() -> None:
    found = judge(fabric_of("ib"), [host("h0", link("mlx5_0:1", 0, "infiniband"), link("lo", GB))], nodes=1)
    assert found.verdict == Verdict.UNKNOWN
    assert found.expected_bytes is None
    assert "one host" in found.reason


def test_the_loopback_between_ranks_of_a_host_is_no_other_fabric() -> None:
    hosts = [host(f"h{i}", link("fabA", GB), link("lo", 9 * GB, is_loopback=True), own=("fabA",)) for i in range(2)]
    assert judge(FAB_A, hosts, nodes=2).verdict == Verdict.PROVEN


def test_members_of_a_bond_carry_the_bond_s_bytes_and_no_others() -> None:
    bond = (
        link("bond0", GB, lower=("eth0", "eth1")),
        link("eth0", GB // 2),
        link("eth1", GB // 2),
        link("vlan7", GB, lower=("bond0",)),
    )
    fabric = Fabric("tcp", "tcp", "bond0")
    hosts = [host("h0", *bond, own=("bond0",)), host("h1", *bond, own=("bond0",))]
    assert judge(fabric, hosts, nodes=2).verdict == Verdict.PROVEN
    wrong = [host("h0", *bond, link("ib0", 0), own=("ib0",)), host("h1", *bond, link("ib0", 0), own=("ib0",))]
    found = judge(Fabric("ipoib", "tcp", "ib0"), wrong, nodes=2)
    assert found.verdict == Verdict.CONTRADICTED
    assert "vlan7 moved 1.00" in found.reason


def test_the_leaf_of_a_broadcast_is_judged_by_what_it_received() -> None:
    root = HostTraffic("h0", GB, (link("fabA", GB, rx=0),), ("fabA",))
    leaf = HostTraffic("h1", 0, (link("fabA", 10, rx=GB),), ("fabA",), expected_rx_bytes=GB)
    assert judge(FAB_A, [root, leaf], nodes=2).verdict == Verdict.PROVEN


def _ipoib(root: Path, sent_by_rdma: int, sent_by_ib0: int) -> tuple[LinkDelta, ...]:
    device = pci(root / "sys", "0000:01:00.0", driver="mlx5_core")
    port(root / "sys", "mlx5_0", IB)
    plug(root / "sys", "infiniband", "mlx5_0", device)
    interface(root / "sys", "ib0", type=32)
    plug(root / "sys", "net", "ib0", device)
    count(root / "sys", "mlx5_0", port_xmit_data=0, port_rcv_data=0)
    proc_net_dev(root / "proc", ib0=(0, 0))
    before = snapshot(root / "sys", root / "proc")
    words = (sent_by_rdma + sent_by_ib0) // 4
    count(root / "sys", "mlx5_0", port_xmit_data=words, port_rcv_data=words)
    proc_net_dev(root / "proc", ib0=(sent_by_ib0, sent_by_ib0))
    return deltas(before, snapshot(root / "sys", root / "proc"))


def test_tcp_over_infiniband_moves_the_port_s_bytes_and_is_still_not_infiniband(tmp_path: Path) -> None:
    moved = _ipoib(tmp_path, 0, GB)
    hosts = [host("h0", *moved), host("h1", *moved)]
    by_sockets = log("NET/Socket : Using [0]ib0:10.0.0.4<0>", "Channel 00/0 : 0[0] -> 1[0] [send] via NET/Socket/0")
    assert judge(fabric_of("ib"), hosts, by_sockets, nodes=2).verdict == Verdict.CONTRADICTED
    assert judge(Fabric("ipoib", "tcp", "ib0"), [HostTraffic("h", GB, moved, ("ib0",))] * 2, nodes=2).verdict == (
        Verdict.PROVEN
    )
    # Without a log the counters alone leave it open, and never call it proven.
    assert judge(fabric_of("ib"), hosts, nodes=2).verdict == Verdict.UNKNOWN


def test_rdma_is_proven_where_ipoib_is_idle(tmp_path: Path) -> None:
    moved = _ipoib(tmp_path, GB, 1000)
    assert judge(fabric_of("ib"), [host("h0", *moved)] * 2, nodes=2).verdict == Verdict.PROVEN


USING = "NET/IB : Using [0]mlx5_0:1/IB [1]mlx5_1:1/RoCE [RO]; OOB eth0:10.0.0.4<0>"
VIA = "Channel 00/0 : 0[0] -> 1[0] [send] via NET/IB/{}/GDRDMA"
LID = "NET/IB: NCCL Dev 0 IbDev 0 Port 1 qpn 34 mtu 5 LID 7 x"
GID = "NET/IB: NCCL Dev 1 IbDev 1 Port 1 qpn 34 mtu 5 GID 3 (0/1064A8C0FFFF0000) x"


@pytest.mark.parametrize(
    ("asked", "messages", "verdict", "words"),
    [
        ("ib", (USING, VIA.format(0)), Verdict.PLANNED, "via NET/IB/0/GDRDMA"),
        ("ib", (VIA.format(0),), Verdict.UNKNOWN, "names no link type"),
        ("ib", (USING, VIA.format(1)), Verdict.CONTRADICTED, "NCCL planned roce instead of infiniband"),
        ("roce", (USING, VIA.format(1)), Verdict.PLANNED, "via NET/IB/1"),
        ("roce", (USING, VIA.format(0), VIA.format(1)), Verdict.CONTRADICTED, "mlx5_0:1"),
        ("ib", (USING, VIA.format(0), LID), Verdict.PROVEN, "1 infiniband queue pairs, as on mlx5_0:1"),
        ("roce", (USING, VIA.format(1), GID), Verdict.PROVEN, "roce queue pairs, as on mlx5_1:1"),
        ("ib", (VIA.format(0), GID), Verdict.CONTRADICTED, "queue pairs over roce"),
        ("ib", ("Channel 00/0 : 0[0] -> 1[0] [send] via NET/Socket/0",), Verdict.CONTRADICTED, "via NET/Socket/0"),
        ("tcp", ("Channel 00/0 : 0[0] -> 1[0] [send] via NET/Socket/0",), Verdict.PLANNED, "via NET/Socket/0"),
        ("tcp", (USING, VIA.format(0)), Verdict.CONTRADICTED, "infiniband instead of tcp"),
        ("gIB", ("Channel 00/0 : 0[0] -> 1[0] [send] via NET/gIB/0/GDRDMA",), Verdict.PLANNED, "NET/gIB/0"),
        ("efa", ("Channel 00/0 : 0[0] -> 1[0] [send] via NET/AWS Libfabric/0",), Verdict.PLANNED, "Libfabric"),
        ("efa", ("Channel 00/0 : 0[0] -> 1[0] [send] via NET/Socket/0",), Verdict.CONTRADICTED, "tcp instead of efa"),
        ("ib", (USING,), Verdict.UNKNOWN, "no channel over a network"),
        ("ib", (), Verdict.UNKNOWN, "no channel over a network"),
    ],
)
def test_the_library_s_log_is_read_for_what_it_planned_and_connected(
    asked: str, messages: tuple[str, ...], verdict: Verdict, words: str
) -> None:
    found = judge(fabric_of(asked), [], log(*messages), nodes=2)
    assert found.verdict == verdict, found.reason
    assert words in found.reason


@pytest.mark.parametrize(
    ("asked", "messages", "verdict"),
    [
        (
            "nvlink",
            ("NCCL_P2P_LEVEL set by environment to NVL", "Channel 00/0 : 0[0] -> 1[1] via P2P/CUMEM"),
            Verdict.PLANNED,
        ),
        ("nvlink", ("Channel 00/0 : 0[0] -> 1[1] via P2P/CUMEM",), Verdict.UNKNOWN),
        ("nvlink", ("Channel 00 : 0[0] -> 1[1] via SHM/direct/direct",), Verdict.CONTRADICTED),
        ("nvlink", ("Channel 00/0 : 0[0] -> 1[1] [send] via NET/Socket/0",), Verdict.CONTRADICTED),
        ("shm", ("Channel 00 : 0[0] -> 1[1] via SHM/direct/direct",), Verdict.PLANNED),
        ("shm", ("Channel 00/0 : 0[0] -> 1[1] via P2P/CUMEM",), Verdict.CONTRADICTED),
        ("nvlink", (), Verdict.UNKNOWN),
    ],
)
def test_inside_a_host_the_transports_tell(asked: str, messages: tuple[str, ...], verdict: Verdict) -> None:
    found = judge(fabric_of(asked), [host("h0", link("eth0", 10))], log(*messages), nodes=1)
    assert found.verdict == verdict, found.reason


def test_queue_pairs_settle_what_counters_leave_open() -> None:
    half = (link("mlx5_0:1", GB // 2, "infiniband"), link("eth0", 0))  # in-network reduction halves the bytes
    found = judge(fabric_of("ib"), [host("h0", *half)] * 2, log(USING, VIA.format(0), LID), nodes=2)
    assert found.verdict == Verdict.PROVEN
    planned = judge(
        fabric_of("ib"), [host("h0", *half)] * 2, log(USING, VIA.format(0)), nodes=2, variables={"NCCL_NET": "IB"}
    )
    assert planned.verdict == Verdict.PLANNED
    assert "but mlx5_0:1 of h0 moved 0.50" in planned.reason


def test_queue_pairs_prove_nothing_of_ranks_that_share_a_host() -> None:
    found = judge(fabric_of("ib"), [], log(USING, VIA.format(0), LID), nodes=1)
    assert found.verdict is not Verdict.PROVEN
    assert "all ranks are on one host" in found.reason


def test_counters_win_over_a_log_that_names_another_port() -> None:
    """`via NET/IB/2` was printed while that port moved nothing (subnet-aware routing, nccl.md section 2.4)."""
    idle = (link("mlx5_0:1", 0, "infiniband"), link("mlx5_1:1", GB, "roce"))
    found = judge(fabric_of("ib"), [host("h0", *idle)] * 2, log(USING, VIA.format(0), LID), nodes=2)
    assert found.verdict == Verdict.CONTRADICTED
    assert "mlx5_1:1 moved 1.00" in found.reason


def test_trouble_on_a_link_is_kept_in_the_record() -> None:
    congested = link("mlx5_0:1", GB, "roce", notable={"np_cnp_sent": 12})
    found = judge(fabric_of("roce"), [host("h0", congested)] * 2, nodes=2)
    assert json.loads(found.counters_json)["h0"]["mlx5_0:1"]["notable"] == {"np_cnp_sent": 12}


def test_the_algorithm_of_a_point_is_looked_up_by_what_nccl_counts() -> None:
    tuned = log(
        "AllReduce: 1024 Bytes -> Algo TREE proto LL channel{Lo..Hi}={0..0}",
        "AllReduce: 1024 Bytes -> Algo RING proto LL128 channel{Lo..Hi}={0..0}",
        "AllGather: 256 Bytes -> Algo RING proto SIMPLE channel{Lo..Hi}={0..0}",
    )
    assert choice_of(tuned, "all_reduce", 1024, 4) == ("RING", "LL128")
    assert choice_of(tuned, "all_gather", 1024, 4) == ("RING", "SIMPLE")
    assert choice_of(tuned, "broadcast", 1024, 4) == ("", "")


SHARES = st.floats(0, 3, allow_nan=False)


@given(own=SHARES, other=SHARES)
def test_no_host_ever_proves_and_contradicts_and_more_on_the_fabric_never_makes_it_worse(
    own: float, other: float
) -> None:
    def verdict(share: float) -> str:
        one = host("h", link("fabA", int(share * GB)), link("fabB", int(other * GB)), own=("fabA",))
        return judge(FAB_A, [one, one], nodes=2).verdict

    order = [Verdict.PROVEN, Verdict.UNKNOWN, Verdict.CONTRADICTED]
    assert order.index(Verdict(verdict(own + 0.5))) <= order.index(Verdict(verdict(own)))


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no samples beside the repository")
def test_the_sample_logs_get_the_verdicts_that_they_deserve() -> None:
    (ray,), (azure,) = (list(SAMPLES.glob(name)) for name in ("12_ray*", "09_azure*"))
    ran_on_ib, mixed = (parse_nccl_log(path.read_text(errors="replace")) for path in (ray, azure))
    assert judge(fabric_of("ib"), [], ran_on_ib, nodes=2).verdict == Verdict.PLANNED
    assert judge(fabric_of("roce"), [], ran_on_ib, nodes=2).verdict == Verdict.CONTRADICTED
    assert judge(fabric_of("tcp"), [], ran_on_ib, nodes=2).verdict == Verdict.CONTRADICTED
    assert judge(fabric_of("ib"), [], mixed, nodes=2).verdict == Verdict.UNKNOWN
