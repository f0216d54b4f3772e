from pathlib import Path

import pytest

from commbench.errors import ExitCode, UnfitError, UsageError
from commbench.fabric.conflicts import conf_settings, conflicts
from commbench.fabric.devices import Devices, Gpu
from commbench.fabric.discover import discover
from commbench.fabric.hca import ports_named
from commbench.fabric.names import Fabric, canonical, fabric_of
from commbench.fabric.select import select

from .trees import IB, ROCE, interface, port

SAMPLES = Path(__file__).parents[4] / "shared/samples/fabric"


@pytest.fixture
def mixed(tmp_path: Path) -> Devices:
    for name in ("mlx5_0", "mlx5_3", "mlx5_10"):
        port(tmp_path, name, IB)
    port(tmp_path, "mlx5_1", ROCE | {"rate": "100 Gb/sec (4X EDR)"})
    port(tmp_path, "mlx5_2", ROCE | {"state": "1: DOWN", "phys_state": "3: Disabled"})
    port(tmp_path, "mlx5_4", IB | {"state": "1: DOWN", "phys_state": "2: Polling", "rate": "10 Gb/sec (4X)"})
    interface(tmp_path, "eth0", speed=25000)
    interface(tmp_path, "eth1", speed=1000)
    interface(tmp_path, "lo", type=772, operstate="unknown")
    (tmp_path / "pci").mkdir()
    for name in ("eth0", "eth1"):
        (tmp_path / "class/net" / name / "device").symlink_to(tmp_path / "pci")
    return discover(tmp_path)


def test_infiniband_is_every_active_port_of_that_link_layer_by_exact_name(mixed: Devices) -> None:
    chosen = select(fabric_of("ib"), mixed, "nccl")
    assert chosen.variables == {"NCCL_NET": "IB", "NCCL_IB_HCA": "=mlx5_0:1,mlx5_3:1,mlx5_10:1"}
    assert chosen.links == ("mlx5_0:1", "mlx5_3:1", "mlx5_10:1")
    assert chosen.link_rate_gbit_s == 400.0


def test_roce_is_the_same_network_with_other_ports_and_lets_nccl_choose_the_gid(mixed: Devices) -> None:
    chosen = select(fabric_of("RoCE"), mixed, "nccl")
    assert chosen.variables == {
        "NCCL_NET": "IB",
        "NCCL_IB_HCA": "=mlx5_1:1",
        "NCCL_IB_ROCE_VERSION_NUM": "2",
        "NCCL_IB_ADDR_FAMILY": "AF_INET",
    }
    assert chosen.link_rate_gbit_s == 100.0


def test_tcp_is_sockets_without_plugins_on_one_exact_interface(mixed: Devices) -> None:
    chosen = select(fabric_of("tcp"), mixed, "nccl")
    assert chosen.variables == {"NCCL_NET": "Socket", "NCCL_NET_PLUGIN": "none", "NCCL_SOCKET_IFNAME": "=eth0"}
    assert (chosen.links, chosen.link_rate_gbit_s) == (("eth0",), 25.0)


def test_gloo_gets_its_interface_by_name(mixed: Devices) -> None:
    assert select(Fabric("slow", "tcp", "eth1"), mixed, "gloo").variables == {"GLOO_SOCKET_IFNAME": "eth1"}


def test_nvlink_alone_means_no_shared_memory_and_no_network() -> None:
    linked = Devices(gpus=(Gpu(0, links=18, links_active=18), Gpu(1, links=18, links_active=18)))
    chosen = select(fabric_of("nvlink"), linked, "nccl")
    assert chosen.variables == {"NCCL_P2P_LEVEL": "NVL", "NCCL_SHM_DISABLE": "1"}
    assert chosen.links == ()


def test_ranks_of_one_host_are_sent_through_the_network_on_request(mixed: Devices) -> None:
    inside = select(fabric_of("ib"), mixed, "nccl", through_network=True).variables
    assert inside["NCCL_P2P_DISABLE"] == inside["NCCL_SHM_DISABLE"] == "1"
    assert inside["NCCL_NVLS_ENABLE"] == "0"


def test_a_plugin_goes_by_its_own_name(mixed: Devices) -> None:
    assert select(fabric_of("gIB"), mixed, "nccl").variables == {"NCCL_NET": "gIB"}


def test_the_interface_of_an_rdma_fabric_is_where_connections_are_set_up(mixed: Devices) -> None:
    chosen = select(Fabric("ib", "infiniband", "eth1"), mixed, "nccl")
    assert chosen.variables["NCCL_SOCKET_IFNAME"] == "=eth1"
    assert chosen.links == ("mlx5_0:1", "mlx5_3:1", "mlx5_10:1")


def test_a_suite_s_own_variables_win(mixed: Devices) -> None:
    fabric = Fabric("one rail", "infiniband", variables={"NCCL_IB_HCA": "=mlx5_3:1", "NCCL_IB_TC": "106"})
    chosen = select(fabric, mixed, "nccl")
    assert chosen.variables == {"NCCL_NET": "IB", "NCCL_IB_HCA": "=mlx5_3:1", "NCCL_IB_TC": "106"}
    assert chosen.links == ("mlx5_3:1",)  # and only they are counted as its evidence


@pytest.mark.parametrize(
    ("setting", "names"),
    [
        ("=mlx5_1:1", ["mlx5_1"]),
        ("mlx5_1", ["mlx5_1", "mlx5_10"]),  # a name without `=` is the beginning of names
        ("=mlx5_1,mlx5_3:1:0:1", ["mlx5_1", "mlx5_3"]),
        ("^=mlx5_1", ["mlx5_3", "mlx5_10"]),
        ("^mlx5_1", ["mlx5_3"]),
        ("=mlx5_3:2", []),
    ],
)
def test_ports_are_named_as_nccl_reads_their_names(tmp_path: Path, setting: str, names: list[str]) -> None:
    for name in ("mlx5_1", "mlx5_3", "mlx5_10"):
        port(tmp_path, name, IB)
    devices = discover(tmp_path)
    assert [port.device for port in ports_named(setting, devices.ports)] == names
    fabric = Fabric("mine", "infiniband", variables={"NCCL_IB_HCA": setting})
    if names:
        assert select(fabric, devices, "nccl").links == tuple(f"{name}:1" for name in names)
    else:
        with pytest.raises(UnfitError, match="names none of this host's"):
            select(fabric, devices, "nccl")


def test_an_interface_in_a_suite_s_variables_is_the_one_that_is_counted(mixed: Devices) -> None:
    by_gloo = Fabric("slow", "tcp", variables={"GLOO_SOCKET_IFNAME": "eth1"})
    assert select(by_gloo, mixed, "gloo").links == ("eth1",)
    by_nccl = Fabric("slow", "tcp", variables={"NCCL_SOCKET_IFNAME": "=eth1"})
    assert select(by_nccl, mixed, "nccl").links == ("eth1",)


def test_a_backend_without_fabrics_gets_only_the_suite_s_variables() -> None:
    assert select(Fabric("x", "tcp", variables={"A": "b"}), Devices(), "simulated").variables == {"A": "b"}


def test_what_is_missing_is_named_port_by_port(tmp_path: Path) -> None:
    port(tmp_path, "mlx5_0", IB | {"state": "1: DOWN", "phys_state": "2: Polling"})
    port(tmp_path, "mlx5_1", IB | {"state": "2: INIT"})
    with pytest.raises(UnfitError, match="no active InfiniBand port") as caught:
        select(fabric_of("ib"), discover(tmp_path), "nccl")
    assert "mlx5_0:1 is DOWN (Polling: cable" in str(caught.value)
    assert "mlx5_1:1 is INIT (LinkUp: no subnet manager" in str(caught.value)
    assert caught.value.exit_code is ExitCode.UNFIT


def test_a_host_with_another_fabric_says_which(tmp_path: Path) -> None:
    port(tmp_path, "mlx5_0", IB)
    with pytest.raises(UnfitError, match="no RoCE port on this host; its RDMA devices are infiniband"):
        select(fabric_of("roce"), discover(tmp_path), "nccl")
    with pytest.raises(UnfitError, match="no active RDMA device at all"):
        select(fabric_of("roce"), Devices(), "nccl")


def test_a_roce_port_without_an_address_is_no_roce(tmp_path: Path) -> None:
    port(tmp_path, "mlx5_1", ROCE | {"gid_attrs/types/3": "IB/RoCE v1"})
    with pytest.raises(UnfitError, match="has a RoCE v2 address: mlx5_1:1; give the interface"):
        select(fabric_of("roce"), discover(tmp_path), "nccl")


def test_roce_over_ipv6_says_so_to_nccl(tmp_path: Path) -> None:
    six = {"gids/1": "fc01::1", "gids/3": "fc01::1"}
    port(tmp_path, "ionic_0", ROCE | six)
    assert select(fabric_of("roce"), discover(tmp_path), "nccl").variables["NCCL_IB_ADDR_FAMILY"] == "AF_INET6"
    port(tmp_path, "mlx5_0", ROCE)
    with pytest.raises(UnfitError, match="IPv4 addresses only and some IPv6"):
        select(fabric_of("roce"), discover(tmp_path), "nccl")


def test_more_ports_than_nccl_takes_are_an_error_before_they_are_a_surprise(tmp_path: Path) -> None:
    for index in range(33):
        port(tmp_path, f"mlx5_{index}", IB)
    with pytest.raises(UnfitError, match="33 ports are active, and NCCL takes 32"):
        select(fabric_of("ib"), discover(tmp_path), "nccl")


@pytest.mark.parametrize(("name", "words"), [("eth9", "no network interface eth9; it has eth0"), ("eth1", "is down")])
def test_an_interface_that_cannot_be_used_is_refused(tmp_path: Path, name: str, words: str) -> None:
    interface(tmp_path, "eth0")
    interface(tmp_path, "eth1", operstate="down")
    for backend in ("nccl", "gloo"):
        with pytest.raises(UnfitError, match=words):
            select(Fabric("mine", "tcp", name), discover(tmp_path), backend)


def test_equally_fast_interfaces_are_a_question_and_not_a_guess(tmp_path: Path) -> None:
    for name in ("eth0", "eth1"):
        interface(tmp_path, name)
    with pytest.raises(UsageError, match=r"equally fast \(eth0, eth1\); say which"):
        select(fabric_of("tcp"), discover(tmp_path), "gloo")


def test_a_bond_is_chosen_and_not_its_members_nor_what_belongs_to_containers(tmp_path: Path) -> None:
    interface(tmp_path, "bond0", bonding__mode="802.3ad 4", bonding__slaves="eth0 eth1")
    for name in ("eth0", "eth1", "docker0", "veth12"):
        interface(tmp_path, name)
    assert select(fabric_of("tcp"), discover(tmp_path), "gloo").links == ("bond0",)


def test_a_host_with_nothing_but_a_loopback_says_so(tmp_path: Path) -> None:
    interface(tmp_path, "lo", type=772, operstate="unknown")
    with pytest.raises(UnfitError, match=r"there are: lo \(unknown\)"):
        select(fabric_of("tcp"), discover(tmp_path), "gloo")
    assert select(Fabric("tcp", "tcp", "lo"), discover(tmp_path), "gloo").links == ("lo",)


@pytest.mark.parametrize("kind", ["infiniband", "nvlink", "shm", "gIB"])
def test_gloo_refuses_what_it_cannot_speak(mixed: Devices, kind: str) -> None:
    with pytest.raises(UsageError, match="gloo speaks TCP only"):
        select(fabric_of(kind), mixed, "gloo")


def test_one_gpu_is_no_nvlink() -> None:
    with pytest.raises(UnfitError, match="2 GPUs, 1 of them with active NVLinks"):
        select(fabric_of("nvlink"), Devices(gpus=(Gpu(0, links=18, links_active=18), Gpu(1, links=18))), "nccl")
    unknown = Devices(gpus=(Gpu(0), Gpu(1)), nvml_note="not installed")
    assert select(fabric_of("nvlink"), unknown, "nccl").variables["NCCL_P2P_LEVEL"] == "NVL"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("ib", "infiniband"), ("IB", "infiniband"), ("Ethernet", "tcp"), ("socket", "tcp"), ("AWS Libfabric",) * 2],
)
def test_aliases_mean_one_name_and_plugins_keep_theirs(name: str, kind: str) -> None:
    assert canonical(name) == kind


@pytest.mark.parametrize("name", ["infinband", "rocee", "nvlnk", "ethernt", ""])
def test_a_mistyped_fabric_is_no_plugin(name: str) -> None:
    with pytest.raises(UsageError, match=r"did you mean|needs a name"):
        canonical(name)


def test_settings_that_work_against_the_selection_are_reported(mixed: Devices) -> None:
    variables = select(fabric_of("ib"), mixed, "nccl").variables
    environ = {"NCCL_IB_DISABLE": "1", "NCCL_NET": "Socket", "NCCL_DEBUG": "INFO", "NCCL_ALGO": "Ring", "PATH": "/bin"}
    found = [
        str(one) for one in conflicts(variables, environ, {"/etc/nccl.conf": "NCCL_NET=Socket\nNCCL_P2P_DISABLE=1"})
    ]
    assert found == [
        "NCCL_IB_DISABLE=1 in the environment stays in force and may choose another fabric",
        "NCCL_NET=Socket in the environment is overridden with IB",
        "NCCL_P2P_DISABLE=1 in /etc/nccl.conf stays in force and may choose another fabric",
    ]
    assert conflicts(variables, dict(variables)) == ()


def test_conf_files_are_read_as_nccl_reads_them() -> None:
    assert conf_settings("# all\nNCCL_NET = IB # here\n\nnonsense\nA=b=c") == {"NCCL_NET": "IB", "A": "b=c"}


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no samples beside the repository")
def test_the_sample_trees_select_what_their_readme_says() -> None:
    h100 = discover(SAMPLES / "h100_ib_with_eth_down")
    hcas = select(fabric_of("ib"), h100, "nccl").variables["NCCL_IB_HCA"]
    assert hcas == "=mlx5_0:1,mlx5_3:1,mlx5_4:1,mlx5_5:1,mlx5_6:1,mlx5_9:1,mlx5_10:1,mlx5_11:1"
    with pytest.raises(UnfitError, match="RoCE v2 address: mlx5_1:1"):
        select(fabric_of("roce"), h100, "nccl")
    bond = discover(SAMPLES / "roce_bond_gids_and_congestion")
    assert select(fabric_of("roce"), bond, "nccl").variables["NCCL_IB_HCA"] == "=mlx5_bond_0:1"
