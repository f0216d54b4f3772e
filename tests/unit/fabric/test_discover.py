from pathlib import Path

import pytest

from commbench.fabric.discover import discover
from commbench.fabric.interfaces import network_interfaces, proc_counters
from commbench.fabric.pci import common_prefix, nearest_ports
from commbench.fabric.rdma import rdma_ports

from .trees import IB, ROCE, interface, pci, plug, port, proc_net_dev, write

SAMPLES = Path(__file__).parents[4] / "shared/samples/fabric"


def test_link_layer_tells_infiniband_from_roce_on_a_host_that_has_both(tmp_path: Path) -> None:
    port(tmp_path, "mlx5_0", IB)
    port(tmp_path, "mlx5_1", ROCE)
    port(tmp_path, "mlx5_10", IB)
    port(tmp_path, "mlx5_2", ROCE)
    devices = discover(tmp_path)
    assert [port.name for port in devices.ports] == ["mlx5_0:1", "mlx5_1:1", "mlx5_2:1", "mlx5_10:1"]
    assert [port.device for port in devices.ports_of("infiniband")] == ["mlx5_0", "mlx5_10"]
    assert [port.device for port in devices.ports_of("roce")] == ["mlx5_1", "mlx5_2"]
    first = devices.ports[0]
    assert (first.rate_gbit_s, first.rate_label, first.lid, first.sm_lid) == (400.0, "4X NDR", 0x22, 1)
    assert (first.hca_type, first.firmware) == ("MT4129", "28.39.1002")


@pytest.mark.parametrize(
    ("line", "rate_gbit_s", "label"),
    [
        ("400 Gb/sec (4X NDR)", 400.0, "4X NDR"),
        ("2.5 Gb/sec (1X SDR)", 2.5, "1X SDR"),
        ("10 Gb/sec (4X)", 10.0, "4X"),
        ("40 Gb/sec (4X QDR)", 40.0, "4X QDR"),
        ("", None, ""),
        ("fast", None, ""),
    ],
)
def test_the_rate_of_every_kernel_is_a_number(tmp_path: Path, line: str, rate_gbit_s: float, label: str) -> None:
    port(tmp_path, "mlx5_0", IB | {"rate": line})
    (found,) = rdma_ports(tmp_path)
    assert (found.rate_gbit_s, found.rate_label) == (rate_gbit_s, label)


def test_ports_that_are_down_say_how(tmp_path: Path) -> None:
    for name, state, phys in (
        ("mlx5_0", "1: DOWN", "2: Polling"),
        ("mlx5_1", "1: DOWN", "3: Disabled"),
        ("mlx5_2", "1: DOWN", "5: LinkUp"),
        ("mlx5_3", "2: INIT", "5: LinkUp"),
    ):
        port(tmp_path, name, IB | {"state": state, "phys_state": phys})
    found = [(port.state, port.phys_state, port.is_active) for port in rdma_ports(tmp_path)]
    assert found == [
        ("DOWN", "Polling", False),
        ("DOWN", "Disabled", False),
        ("DOWN", "LinkUp", False),
        ("INIT", "LinkUp", False),
    ]


def test_an_unused_index_in_the_gid_table_is_a_gap_and_no_error(tmp_path: Path) -> None:
    unused = {"gids/2": "0000:0000:0000:0000:0000:0000:0000:0000", "gids/9": "nonsense"}
    port(tmp_path, "mlx5_0", ROCE | unused)
    (found,) = rdma_ports(tmp_path)
    assert [gid.index for gid in found.gids] == [0, 1, 3]
    # The v2 GID that maps an IPv4 address, at whatever index: not the link-local one, not v1.
    assert found.roce_gid is not None
    assert (found.roce_gid.index, found.roce_gid.ipv4, found.roce_gid.interface) == (3, "10.96.83.26", "eth2")
    assert found.interfaces == ("eth2",)


def test_attributes_that_answer_einval_read_as_nothing(tmp_path: Path) -> None:
    port(tmp_path, "mlx5_0", ROCE)
    types = tmp_path / "class/infiniband/mlx5_0/ports/1/gid_attrs/types/3"
    types.unlink()
    types.mkdir()  # reading a folder is an OSError, as EINVAL is
    (found,) = rdma_ports(tmp_path)
    assert found.gids[-1].kind == ""
    assert found.roce_gid is None


@pytest.mark.parametrize(
    ("address", "usable"),
    [
        ("0000:0000:0000:0000:0000:ffff:0a60:531a", True),
        ("0000:0000:0000:0000:0000:ffff:a9fe:0101", False),  # 169.254.1.1
        ("fe80:0000:0000:0000:0e42:a1ff:fead:479a", False),
        ("fc01:0000:0000:0000:0e42:a1ff:fead:479a", True),
    ],
)
def test_link_local_gids_are_never_chosen(tmp_path: Path, address: str, usable: bool) -> None:
    port(tmp_path, "mlx5_0", ROCE | {"gids/0": address, "gids/3": "0000:0000:0000:0000:0000:ffff:a9fe:0102"})
    (found,) = rdma_ports(tmp_path)
    assert (found.roce_gid is not None) == usable


@pytest.mark.parametrize(("driver", "layer", "fabric"), [("hfi1", "InfiniBand", "omnipath"), ("efa", "Unknown", "efa")])
def test_the_driver_tells_what_the_link_layer_does_not(tmp_path: Path, driver: str, layer: str, fabric: str) -> None:
    port(tmp_path, "hfi1_0", IB | {"link_layer": layer})
    plug(tmp_path, "infiniband", "hfi1_0", pci(tmp_path, "0000:01:00.0", driver=driver))
    (found,) = rdma_ports(tmp_path)
    assert (found.driver, found.fabric) == (driver, fabric)


def test_soft_roce_without_a_link_layer_file_is_roce(tmp_path: Path) -> None:
    port(tmp_path, "rxe0", {key: value for key, value in ROCE.items() if key != "link_layer"}, parent="eth0")
    (found,) = rdma_ports(tmp_path)
    assert found.fabric == "roce"


def test_an_unknown_link_layer_is_no_fabric(tmp_path: Path) -> None:
    port(tmp_path, "siw0", IB | {"link_layer": "Unknown"})
    assert rdma_ports(tmp_path)[0].fabric == ""


def test_interfaces_come_with_speed_mtu_and_what_they_stand_on(tmp_path: Path) -> None:
    interface(tmp_path, "eth0", speed=25000)
    interface(tmp_path, "eth1", speed=-1, operstate="down")
    interface(tmp_path, "bond0", bonding__mode="802.3ad 4", bonding__slaves="eth0 eth1")
    interface(tmp_path, "lo", type=772, operstate="unknown", speed="")
    interface(tmp_path, "ib0", type=32)
    write(tmp_path, "class/net/bonding_masters", "bond0")  # a file between the folders
    found = {one.name: one for one in network_interfaces(tmp_path)}
    assert (found["eth0"].speed_gbit_s, found["eth0"].mtu, found["eth0"].is_up) == (25.0, 9000, True)
    assert (found["eth1"].speed_gbit_s, found["eth1"].is_up) == (None, False)
    assert (found["bond0"].lower, found["bond0"].bond_mode) == (("eth0", "eth1"), "802.3ad")
    assert found["lo"].is_loopback
    assert "bonding_masters" not in found


def test_in_a_namespace_with_the_old_sys_the_interfaces_are_those_of_proc(tmp_path: Path) -> None:
    interface(tmp_path / "sys", "eth0")
    interface(tmp_path / "sys", "fabA")
    proc_net_dev(tmp_path / "proc", fabA=(10, 20), fabB=(1, 2))
    found = network_interfaces(tmp_path / "sys", tmp_path / "proc")
    assert [(one.name, one.operstate) for one in found] == [("fabA", "up"), ("fabB", "unknown")]
    assert proc_counters(tmp_path / "proc")["fabA"][0] == 20


def test_the_nic_of_a_gpu_is_the_one_behind_the_same_switch(tmp_path: Path) -> None:
    gpu = {"vendor": "0x10de", "class": "0x030200", "numa_node": "1"}
    pci(tmp_path, "0000:10:00.0/0000:11:00.0/0000:12:00.0", **gpu)
    pci(tmp_path, "0000:20:00.0/0000:21:00.0/0000:22:00.0", **gpu)
    link = {"current_link_speed": "16.0 GT/s PCIe", "max_link_speed": "32.0 GT/s PCIe", "current_link_width": "8"}
    for name, path in (("mlx5_0", "0000:20:00.0/0000:21:01.0/0000:23:00.0"), ("mlx5_1", "0000:10:00.0/0000:13:00.0")):
        port(tmp_path, name, IB)
        plug(tmp_path, "infiniband", name, pci(tmp_path, path, driver="mlx5_core", max_link_width=16, **link))
    devices = discover(tmp_path)
    near = [[port.device for port in nearest_ports(gpu.place, devices.ports)] for gpu in devices.gpus]
    assert near == [["mlx5_1"], ["mlx5_0"]]
    place = devices.ports[0].place
    assert (place.speed_gt_s, place.max_speed_gt_s, place.width, place.max_width) == (16.0, 32.0, 8, 16)
    assert devices.gpus[0].place.numa_node == 1
    assert common_prefix(devices.gpus[0].place, devices.gpus[1].place) == 0


def test_an_empty_tree_has_no_devices(tmp_path: Path) -> None:
    devices = discover(tmp_path)
    assert (devices.ports, devices.interfaces, devices.gpus) == ((), (), ())


def test_this_machine_can_be_discovered() -> None:
    assert any(one.is_loopback for one in discover().interfaces)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no samples beside the repository")
def test_the_sample_trees_show_the_fabrics_that_their_readme_names() -> None:
    h100 = discover(SAMPLES / "h100_ib_with_eth_down")
    active = [port for port in h100.ports_of("infiniband") if port.is_active]
    assert len(h100.ports) == 12
    assert {port.rate_gbit_s for port in active} == {400.0}
    assert not [port for port in h100.ports_of("roce") if port.is_active and port.roce_gid]
    (bond,) = discover(SAMPLES / "roce_bond_gids_and_congestion").ports
    assert (bond.name, bond.fabric, bond.rate_gbit_s) == ("mlx5_bond_0:1", "roce", 200.0)
    assert bond.roce_gid is not None
    assert (bond.roce_gid.index, bond.roce_gid.ipv4) == (3, "10.96.83.26")
