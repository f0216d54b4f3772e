from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commbench.fabric.nccl_facts import gid_address
from commbench.fabric.nccl_log import parse_nccl_log

SAMPLES = Path(__file__).parents[4] / "shared/samples/nccl"
HEAD = "node0:100:200 [0] NCCL INFO "
USING = "NET/IB : Using [0]mlx5_0:1/IB [1]mlx5_1:1/RoCE [2]mlx5_2:1/IB [RO]; OOB eth0:10.0.0.4<0>"


def info(*messages: str, head: str = HEAD) -> str:
    return "\n".join(head + message for message in messages)


def test_the_device_list_tells_what_a_network_channel_ran_on() -> None:
    log = parse_nccl_log(
        info(
            USING,
            "Channel 00/0 : 0[0] -> 8[0] [send] via NET/IB/0/GDRDMA",
            "Channel 01/0 : 8[0] -> 0[0] [receive] via NET/IB/1",
        )
    )
    assert [device.label for device in log.devices["node0"]] == ["mlx5_0:1", "mlx5_1:1", "mlx5_2:1"]
    first, second = log.connections
    assert (first.fabric, first.devices[0].label, first.is_gdr, first.direction) == (
        "infiniband",
        "mlx5_0:1",
        True,
        "send",
    )
    assert (second.fabric, second.is_gdr) == ("roce", False)
    assert log.planned_fabrics() == {"infiniband", "roce"}


def test_without_a_device_list_net_ib_proves_no_fabric() -> None:
    log = parse_nccl_log(info("Channel 00/0 : 0[0] -> 8[0] [send] via NET/IB/0/GDRDMA"))
    assert log.planned_fabrics() == {""}


@pytest.mark.parametrize(
    ("line", "transport", "network", "index"),
    [
        ("Ring 00 : 0 -> 1 [send] via NET/IB/0/GDRDMA", "NET", "IB", 0),  # 2.4
        ("Channel 00 : 0[81000] -> 1[81000] [send] via NET/IB/1/GDRDMA", "NET", "IB", 1),  # 2.7, hexadecimal bus ids
        ("Channel 00/0 : 9[1] -> 0[0] [send] via NET/IB/0(8)/GDRDMA", "NET", "IB", 0),  # PXN
        ("Channel 00/0 : 9[1] -> 0[0] [send] via NET/IB/0/GDRDMA(PCI)/Shared", "NET", "IB", 0),  # 2.27
        ("Channel 00/0 : 9[1] -> 0[0] [receive] via NET/IB/3/GDRDMA/flush=none", "NET", "IB", 3),  # 2.31
        ("Channel 02/0 : 1[0] -> 0[0] [receive] via NET/AWS Libfabric/3/GDRDMA", "NET", "AWS Libfabric", 3),
        ("Channel 00/0 : 1[0] -> 0[0] [receive] via NET/Socket/0", "NET", "Socket", 0),
        ("Channel 00/0 : 13[5] -> 12[4] via P2P/IPC", "P2P", "", None),
        ("Channel 23/0 : 6[6] -> 7[7] via P2P/CUMEM/read", "P2P", "", None),
        ("Channel 00 : 0[1b000] -> 1[1c000] via P2P/direct pointer", "P2P", "", None),
        ("Channel 00 : 0[1b000] -> 1[1c000] via direct shared memory", "SHM", "", None),
        ("Channel 00 : 0[0] -> 1[1] via SHM/direct/direct", "SHM", "", None),
        ("CollNet 00/0 : 3 [send] via COLLNET/SHARP/0/GDRDMA", "COLLNET", "SHARP", 0),
    ],
)
def test_connections_of_every_era_are_read(line: str, transport: str, network: str, index: int | None) -> None:
    (found,) = parse_nccl_log(info(line)).connections
    assert (found.transport, found.network, found.index) == (transport, network, index)


def test_the_order_of_a_ring_is_no_connection() -> None:
    log = parse_nccl_log(info("Channel 00/16 :    0   1   2   3", "Trees [0] 1/-1/-1->0->-1"))
    assert (log.connections, log.torn_lines) == ((), 0)


def test_virtual_devices_stand_for_the_physical_ones_behind_them() -> None:
    made = [f"NET/IB : Made virtual device [{i}] name=mlx5_{i} speed=400000 ndevs=1" for i in range(2)]
    log = parse_nccl_log(
        info(
            *made,
            "NET/IB : Using [0]mlx5_0:1/RoCE [1]mlx5_1:1/RoCE [RO]; OOB eth0:10.0.0.4<0>",
            "NET/IB : Made virtual device [2] name=mlx5_0+mlx5_1 speed=800000 ndevs=2 rail=0 plane=0",
            "Channel 00/0 : 0[0] -> 8[0] [send] via NET/IB/2/GDRDMA",
        )
    )
    assert [device.label for device in log.connections[0].devices] == ["mlx5_0:1", "mlx5_1:1"]
    assert log.connections[0].fabric == "roce"


def test_merged_devices_of_the_older_form_are_expanded() -> None:
    listed = "NET/IB : Using [0]={[0] mlx5_0:1/IB, [1] mlx5_1:1/IB} [1]mlx5_2:1/IB [RO]; OOB eth0:10.0.0.4<0>"
    log = parse_nccl_log(info(listed, "Channel 00/0 : 0[0] -> 8[0] [send] via NET/IB/0"))
    assert [device.label for device in log.connections[0].devices] == ["mlx5_0:1", "mlx5_1:1"]


def test_newer_lists_with_rail_and_plane_are_read() -> None:
    log = parse_nccl_log(info("NET/IB : Using [0]mlx5_0:1:3:1/RoCE [1]mlx5_1:1/IB [RO]; OOB eth0:10.0.0.4<0>"))
    assert [(device.label, device.link) for device in log.devices["node0"]] == [
        ("mlx5_0:1", "RoCE"),
        ("mlx5_1:1", "IB"),
    ]


def test_a_device_that_routing_took_instead_counts_as_used() -> None:
    log = parse_nccl_log(
        info(
            USING,
            "NET/IB: Subnet-aware routing: overriding dev 2 with dev 1",
            "Channel 00/0 : 0[0] -> 8[0] [send] via NET/IB/2",
        )
    )
    assert [device.label for device in log.connections[0].devices] == ["mlx5_2:1", "mlx5_1:1"]
    assert log.connections[0].fabric == ""  # two link types: nobody knows which


@pytest.mark.parametrize(
    ("line", "fabric", "address"),
    [
        ("NET/IB: Dev 1 Port 1 qpn 3038 mtu 5 LID 37", "infiniband", ""),  # 2.12
        (
            "NET/IB: NCCL Dev 1 IbDev 1 Port 1 qpn 704 mtu 3 GID 3 (0/1064A8C0FFFF0000) fifoRkey=0x1 fifoLkey=0x1",
            "roce",
            "192.168.100.16",
        ),
        (
            "NET/IB: ncclIbConnect: NCCL MergedDev 4 IbDev 1 Port 1 qp_num 9 mtu 5 LID 7 subnet-prefix 1  FLID 0 x=1",
            "infiniband",
            "",
        ),
        (
            "NET/IB: NCCL Dev 0 IbDev 1 Port 1 qpn 34 mtu 3 query_ece={supported=0} GID 1 (0/19001EACFFFF0000) fifo",
            "roce",
            "172.30.0.25",
        ),
        (
            "NET/gIB: NCCL Dev 1 IbDev 1 Port 1 qpn 7 mtu 5 GID 0 (80FE/46442FFEFF47BB4E) f",
            "roce",
            "fe80::4ebb:47ff:fe2f:4446",
        ),
    ],
)
def test_queue_pairs_tell_the_link_type_by_their_address(line: str, fabric: str, address: str) -> None:
    log = parse_nccl_log(info(USING, line))
    (pair,) = log.queue_pairs
    assert (pair.fabric, pair.gid, pair.index, pair.port) == (fabric, address, 1, 1)
    assert log.connected_fabrics() == {fabric}


def test_newest_queue_pairs_name_their_device() -> None:
    line = "NET/IB: ncclIbSend: QP created: port=1 dev=2 devName=mlx5_2 ndevs=1 nmdevs=1 qp_num=12 pkey=0"
    (pair,) = parse_nccl_log(info(USING, line)).queue_pairs
    assert pair.device is not None
    assert (pair.device.label, pair.fabric) == ("mlx5_2:1", "infiniband")


def test_an_address_is_read_in_the_byte_order_of_the_machine() -> None:
    assert gid_address("0", "1064A8C0FFFF0000") == "192.168.100.16"


@pytest.mark.parametrize(
    ("line", "choice"),
    [
        (
            "AllReduce: 4194304 Bytes -> Algo Tree proto Simple channel{Lo..Hi}={0..7}",
            ("AllReduce", 4194304, "TREE", "SIMPLE", 8, ""),
        ),
        (
            "AllReduce: 4 Bytes -> Algo RING proto LL128 channel{Lo..Hi}={0..0} cgaClusterSize=4",
            ("AllReduce", 4, "RING", "LL128", 1, ""),
        ),
        ("67108864 Bytes -> Algo 1 proto 2 time 1234.5", ("", 67108864, "RING", "SIMPLE", 0, "")),
        (
            "AllGather [Symmetric]: 1024 Bytes -> Kernel AllGather_ST nchannels 4",
            ("AllGather", 1024, "", "", 0, "Symmetric"),
        ),
    ],
)
def test_algorithm_and_protocol_are_known_by_size(line: str, choice: tuple[object, ...]) -> None:
    (found,) = parse_nccl_log(info(line)).choices
    assert (
        found.collective,
        found.size_bytes,
        found.algorithm,
        found.protocol,
        found.channels,
        found.path,
    ) == choice


def test_settings_networks_versions_and_errors_are_kept() -> None:
    log = parse_nccl_log(
        "NCCL version 2.26.6+cuda12.8\n"
        + info(
            "NCCL_IB_HCA set by environment to =mlx5_0:1.", "Using network IB", "comm 0x1 rank 0 nRanks 16 nNodes 2 x"
        )
        + "\n[2026-01-01 10:00:00] node0:1:2 [0] p2p.cc:688 (f) NCCL WARN NET/IB: Got completion from peer 10.0.0.1 "
        "with status=IBV_WC_RETRY_EXC_ERR(12) opcode=0"
    )
    assert (log.version, log.nodes, log.networks) == ("2.26.6+cuda12.8", 2, ("IB",))
    assert log.settings == {"NCCL_IB_HCA": "=mlx5_0:1"}
    assert "IBV_WC_RETRY_EXC_ERR(12)" in log.errors[0]


def test_labels_before_a_line_change_nothing_and_torn_lines_are_counted() -> None:
    labels = ["(RayWorkerWrapper pid=627, ip=10.244.1.107) ", "0: ", "[1,0]<stdout>:", "2026-01-01T10:00:00 "]
    via = "Channel 00/0 : 0[0] -> 8[0] [send] via NET/Socket/0"
    log = parse_nccl_log("\n".join(label + HEAD + via for label in labels) + "\n(pid=3) > 2[2] via P2P/IPC/read")
    assert [(one.host, one.fabric) for one in log.connections] == [("node0", "tcp")] * 4
    assert log.torn_lines == 1


def test_ranks_inside_one_host_are_told_by_their_transports() -> None:
    p2p = "Channel 00/0 : 0[0] -> 1[1] via P2P/CUMEM"
    assert parse_nccl_log(info(p2p)).inside_host() == "p2p"  # PCIe or NVLink: the log does not say
    assert parse_nccl_log(info("NCCL_P2P_LEVEL set by environment to NVL", p2p)).inside_host() == "nvlink"
    assert parse_nccl_log(info("Channel 00 : 0[0] -> 1[1] via SHM/direct/direct")).inside_host() == "shm"
    assert parse_nccl_log(info(p2p, "Channel 00 : 0[0] -> 1[1] via SHM/direct/direct")).inside_host() == ""


@pytest.mark.parametrize("text", ["", "hello\nworld\n", "\x00\xff", "NCCL INFO \nNCCL WARN\n"])
def test_other_text_is_an_empty_log(text: str) -> None:
    log = parse_nccl_log(text)
    assert (log.devices, log.connections, log.queue_pairs, log.planned_fabrics()) == ({}, (), (), frozenset())


WHOLE = info(
    USING,
    "NET/IB : Made virtual device [3] name=mlx5_0+mlx5_2 speed=800000 ndevs=2",
    "Channel 00/0 : 0[0] -> 8[0] [send] via NET/IB/3/GDRDMA",
    "NET/IB: NCCL Dev 1 IbDev 1 Port 1 qpn 704 mtu 3 GID 3 (0/1064A8C0FFFF0000) fifoRkey=0x1",
    "AllReduce: 4194304 Bytes -> Algo Tree proto Simple channel{Lo..Hi}={0..7}",
)


@given(end=st.integers(0, len(WHOLE)))
def test_a_log_that_breaks_off_tells_less_and_never_something_else(end: int) -> None:
    whole, torn = parse_nccl_log(WHOLE), parse_nccl_log(WHOLE[:end])
    assert whole.planned_fabrics() == {"infiniband"}
    assert whole.connected_fabrics() == {"roce"}
    assert torn.planned_fabrics() <= {"infiniband", ""}
    assert torn.connected_fabrics() <= {"roce"}


@given(st.text(alphabet="NETIBUsing/:[]0123456789 ->viaQP.\n", max_size=300))
def test_no_text_can_break_the_reader(words: str) -> None:
    log = parse_nccl_log(info(*words.splitlines()))
    assert log.connected_fabrics() <= {"infiniband", "roce"}


needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="no samples beside the repository")


def sample(name: str) -> str:
    (path,) = SAMPLES.glob(name)
    return path.read_text(errors="replace")


@needs_samples
def test_the_sample_with_one_roce_among_infiniband_shows_it() -> None:
    log = parse_nccl_log(sample("09_azure*"))
    (devices,) = log.devices.values()
    assert len(devices) == 9
    assert [device.label for device in devices if device.link == "RoCE"] == ["mlx5_1:1"]
    assert log.planned_fabrics() == frozenset()  # a device list is no connection


@needs_samples
def test_the_sample_with_torn_lines_ran_on_infiniband() -> None:
    log = parse_nccl_log(sample("12_ray*"))
    assert (log.version, log.nodes, log.networks) == ("2.21.5+cuda12.4", 2, ("IB",))
    assert log.planned_fabrics() == {"infiniband"}
    over_network = [one for one in log.connections if one.transport == "NET"]
    assert len(over_network) == 8
    assert all(one.is_gdr for one in over_network)
    assert {device.label for one in over_network for device in one.devices} == {"mlx5_0:1", "mlx5_1:1"}
    assert {one.host for one in over_network} == {"deepseek-v2-5-0", "deepseek-v2-5-0-1"}
    assert log.torn_lines == 3
    assert log.transports()["P2P"] >= 310
    assert log.settings["NCCL_NET_GDR_LEVEL"] == "SYS"


@needs_samples
@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.glob("0[1-6]*.log")))
def test_samples_without_connection_lines_prove_no_fabric(name: str) -> None:
    log = parse_nccl_log(sample(name))
    assert (log.connections, log.queue_pairs, log.devices) == ((), (), {})
    if "gke" in name:
        assert log.version == "2.26.6+cuda12.8"
