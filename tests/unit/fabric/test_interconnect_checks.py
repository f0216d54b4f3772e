"""The doctor's checks of the interconnect; they stand here beside the trees that they look at."""

from collections.abc import Callable
from pathlib import Path

import pytest

from commbench.doctor.counts import Flaps, LinkCounters
from commbench.doctor.ethernet import Mtu, Priorities, active_mtus
from commbench.doctor.examine import FABRIC_CHECKS, examine, worst
from commbench.doctor.finding import Check, Finding, Level
from commbench.doctor.host import Host, ask_tool
from commbench.doctor.links import LinkLayers, LinkRates, LinkStates, RdmaDevices, RoceAddresses, SubnetManager
from commbench.doctor.nccl_copies import NcclCopies
from commbench.doctor.near_gpu import Acs, GpuDirect, PcieLinks, Rails
from commbench.doctor.nvlinks import NvlinkFabric, NvlinkLinks
from commbench.doctor.report import as_text
from commbench.fabric.devices import Devices, Gpu
from commbench.fabric.discover import discover
from commbench.fabric.library import installed_nccl, loaded_nccl

from .trees import IB, ROCE, count, interface, pci, plug, port, write

Answers = dict[str, str]


def look(check: Check, root: Path, **answers: str) -> Finding | None:
    """Let a check look at the tree under a root; `answers` are what tools say, by the tool's name."""
    return check.look(host(root, answers=answers))


def host(root: Path, answers: Answers) -> Host:
    return Host(
        0,
        root / "proc",
        root / "sys",
        root / "dev",
        environ={},
        devices=discover(root / "sys"),
        ask=lambda command: answers.get(command[0]),
    )


def level(finding: Finding | None) -> str:
    return finding.level if finding else "none"


def healthy(root: Path) -> None:
    """Make a host of two GPUs and two InfiniBand NICs, each pair behind a switch of its own."""
    gpu = {"vendor": "0x10de", "class": "0x030200", "current_link_width": "16", "max_link_width": "16"}
    link = {
        "current_link_width": "16",
        "max_link_width": "16",
        "current_link_speed": "32.0 GT/s PCIe",
        "max_link_speed": "32.0 GT/s PCIe",
    }
    for index, bridge in enumerate(("0000:10:00.0", "0000:20:00.0")):
        pci(root / "sys", f"{bridge}/0000:1{index}:01.0", **gpu)
        device = pci(root / "sys", f"{bridge}/0000:1{index}:02.0", driver="mlx5_core", **link)
        port(root / "sys", f"mlx5_{index}", IB)
        plug(root / "sys", "infiniband", f"mlx5_{index}", device)
        count(root / "sys", f"mlx5_{index}", port_xmit_data=5, symbol_error=0)
    interface(root / "sys", "eth0")
    plug(root / "sys", "net", "eth0", pci(root / "sys", "0000:30:00.0"))
    (root / "sys/module/nvidia_peermem").mkdir(parents=True)


DEVINFO = "".join(f"hca_id:\tmlx5_{i}\n\t\tport:\t1\n\t\t\tactive_mtu:\t4096 (5)\n" for i in range(2))
LSPCI = "\tACSCap: SrcValid+\n\tACSCtl: SrcValid- TransBlk-\n"


def test_a_healthy_host_passes_every_check_and_skips_none(tmp_path: Path) -> None:
    healthy(tmp_path)
    findings = examine(host(tmp_path, {"ibv_devinfo": DEVINFO, "lspci": LSPCI}), FABRIC_CHECKS)
    assert [finding for finding in findings if finding.level is not Level.OK] == []
    assert {finding.name for finding in findings} >= {"link states", "MTU", "PCIe links", "GPUDirect RDMA", "PCIe ACS"}


Spoil = Callable[[Path], None]


def _port(name: str, **changed: str) -> Spoil:
    return lambda root: port(root / "sys", name, IB | {key.replace("__", "/"): value for key, value in changed.items()})


def _narrow(root: Path) -> None:
    (folder,) = (root / "sys/devices").rglob("0000:10:02.0")
    (folder / "current_link_width").write_text("8\n")


def _slow_slot(root: Path) -> None:
    (folder,) = (root / "sys/devices").rglob("0000:10:02.0")
    (folder / "current_link_speed").write_text("16.0 GT/s PCIe\n")


def _idle_gpu(root: Path) -> None:
    (folder,) = (root / "sys/devices").rglob("0000:10:01.0")
    (folder / "current_link_speed").write_text("2.5 GT/s PCIe\n")
    (folder / "max_link_speed").write_text("32.0 GT/s PCIe\n")


def _no_peermem(root: Path) -> None:
    (root / "sys/module/nvidia_peermem").rmdir()


def _roce_too(root: Path) -> None:
    port(root / "sys", "mlx5_5", ROCE)


def _all_down(root: Path) -> None:
    for name in ("mlx5_0", "mlx5_1"):
        port(root / "sys", name, IB | {"state": "1: DOWN"})


SPOILED: dict[str, tuple[Check, Spoil, Level, str]] = {
    "polling": (LinkStates(), _port("mlx5_1", state="1: DOWN", phys_state="2: Polling"), Level.WARN, "Polling: cable"),
    "no manager": (LinkStates(), _port("mlx5_1", state="2: INIT"), Level.FAIL, "mlx5_1:1 is INIT (LinkUp: no subnet"),
    "up but down": (LinkStates(), _port("mlx5_1", state="1: DOWN"), Level.FAIL, "no subnet manager"),
    "disabled": (LinkStates(), _port("mlx5_1", state="1: DOWN", phys_state="3: Disabled"), Level.OK, "administrator"),
    "width": (
        LinkRates(),
        _port("mlx5_1", rate="100 Gb/sec (1X NDR)"),
        Level.FAIL,
        "mlx5_1:1 100 Gbit/s (1X NDR) beside 400",
    ),
    "layers": (LinkLayers(), _roce_too, Level.WARN, "roce: mlx5_5:1"),
    "no sm": (SubnetManager(), _port("mlx5_1", sm_lid="0x0"), Level.FAIL, "mlx5_1:1 has LID 0x22, manager 0x0"),
    "no lid": (SubnetManager(), _port("mlx5_1", lid="0xffff"), Level.FAIL, "LID 0xffff"),
    "narrow": (PcieLinks(), _narrow, Level.WARN, "mlx5_0 x8 of x16"),
    "slow slot": (PcieLinks(), _slow_slot, Level.WARN, "mlx5_0 16 of 32 GT/s"),
    "idle gpu": (PcieLinks(), _idle_gpu, Level.OK, "2 NICs and 2 GPUs at full width"),
    "rail": (Rails(), _port("mlx5_1", state="1: DOWN"), Level.WARN, "no NIC behind the PCIe switch of GPU 1"),
    "no gdr": (GpuDirect(), _no_peermem, Level.WARN, "neither nvidia_peermem nor"),
    "none active": (
        RdmaDevices(),
        _all_down,
        Level.WARN,
        "none is active",
    ),
}


@pytest.mark.parametrize("name", SPOILED)
def test_what_is_wrong_with_a_link_is_found_and_comes_with_a_remedy(name: str, tmp_path: Path) -> None:
    check, spoil, expected, words = SPOILED[name]
    healthy(tmp_path)
    assert level(look(check, tmp_path)) == Level.OK
    spoil(tmp_path)
    finding = look(check, tmp_path)
    assert finding is not None
    assert (finding.level, words in finding.found) == (expected, True), finding
    assert expected is Level.OK or (finding.changes and finding.remedy)


def test_without_rdma_the_links_are_skipped_and_not_passed(tmp_path: Path) -> None:
    findings = examine(host(tmp_path, {}), FABRIC_CHECKS)
    assert [(finding.name, finding.level) for finding in findings] == [("RDMA devices", Level.SKIP)]
    assert worst(findings) is Level.SKIP
    text = as_text(findings)
    assert text.startswith("skip  RDMA devices  there is none here")
    assert "Nothing could be looked at here" in text


def test_one_failure_outweighs_any_number_of_skips() -> None:
    found = [Finding("a", Level.SKIP, ""), Finding("b", Level.OK, ""), Finding("c", Level.SKIP, "")]
    assert worst(found) is Level.OK
    assert worst([*found, Finding("d", Level.FAIL, "")]) is Level.FAIL


def test_a_roce_port_without_an_address_fails_a_host_that_has_nothing_else(tmp_path: Path) -> None:
    port(tmp_path / "sys", "mlx5_0", ROCE | {"gid_attrs/types/3": "IB/RoCE v1"})
    assert level(look(RoceAddresses(), tmp_path)) == Level.FAIL
    port(tmp_path / "sys", "mlx5_1", ROCE)
    finding = look(RoceAddresses(), tmp_path)
    assert level(finding) == Level.WARN
    assert finding is not None
    assert "mlx5_0:1" in finding.found


def test_the_mtu_is_skipped_without_the_tool_that_tells_it(tmp_path: Path) -> None:
    healthy(tmp_path)
    finding = look(Mtu(), tmp_path)
    assert finding is not None
    assert (finding.level, "ibverbs-utils" in finding.remedy) == (Level.SKIP, True)


def test_small_frames_are_found_on_the_port_and_on_its_interface(tmp_path: Path) -> None:
    port(tmp_path / "sys", "mlx5_0", ROCE)
    interface(tmp_path / "sys", "eth2", mtu=1500)
    finding = look(Mtu(), tmp_path, ibv_devinfo=DEVINFO.replace("4096 (5)", "1024 (3)", 1))
    assert finding is not None
    assert finding.level is Level.WARN
    assert "eth2 of mlx5_0:1 1500, mlx5_0:1 1024" in finding.found
    assert active_mtus(DEVINFO) == {"mlx5_0:1": 4096, "mlx5_1:1": 4096}


@pytest.mark.parametrize(
    ("marked", "pfc", "expected", "words"),
    [
        ((3,), "eth2 prio-pfc 0:off 1:off 2:off 3:on 4:off", Level.OK, "ECN 3, PFC 3"),
        ((), "prio-pfc 0:off 3:off", Level.WARN, "neither ECN nor PFC is on"),
        ((3,), "prio-pfc 0:on 1:on 2:on 3:on", Level.WARN, "several priorities (0,1,2,3)"),
        ((5,), "prio-pfc 0:off 3:on", Level.WARN, "PFC is on for priority 3, ECN for 5"),
        (None, None, Level.SKIP, "says anything of eth2"),
    ],
)
def test_flow_control_and_ecn_must_agree_on_one_priority(
    tmp_path: Path, marked: tuple[int, ...] | None, pfc: str | None, expected: Level, words: str
) -> None:
    port(tmp_path / "sys", "mlx5_0", ROCE)
    for role in ("roce_np", "roce_rp") if marked is not None else ():
        for priority in range(8):
            write(tmp_path / "sys", f"class/net/eth2/ecn/{role}/enable/{priority}", int(priority in (marked or ())))
    finding = look(Priorities(), tmp_path, **({"dcb": pfc} if pfc else {}))
    assert finding is not None
    assert (finding.level, words in finding.found) == (expected, True), finding


def test_counters_since_boot_are_told_and_judge_nothing(tmp_path: Path) -> None:
    healthy(tmp_path)
    count(tmp_path / "sys", "mlx5_0", excessive_buffer_overrun_errors=15, link_downed=3)
    finding = look(LinkCounters(), tmp_path)
    assert finding is not None
    assert finding.level is Level.OK
    assert "link_downed 3" in finding.found
    assert "excessive_buffer_overrun_errors 15 or more (the counter is full)" in finding.found


def test_ports_that_count_nothing_are_skipped_and_not_called_sound(tmp_path: Path) -> None:
    port(tmp_path / "sys", "mlx5_0", IB)
    count(tmp_path / "sys", "mlx5_0", port_xmit_data="N/A (no PMA)")
    assert level(look(LinkCounters(), tmp_path)) == Level.SKIP


@pytest.mark.parametrize(
    ("changes", "days", "expected"), [(2, 1, "ok"), (20, 1, "warn"), (20, 30, "ok"), (400, 30, "warn")]
)
def test_a_link_that_flaps_is_judged_by_how_often_a_day(tmp_path: Path, changes: int, days: int, expected: str) -> None:
    interface(tmp_path / "sys", "eth0", carrier_changes=changes)
    plug(tmp_path / "sys", "net", "eth0", pci(tmp_path / "sys", "0000:30:00.0"))
    write(tmp_path, "proc/uptime", f"{days * 86400}.5 1.0")
    assert level(look(Flaps(), tmp_path)) == expected


def test_access_control_is_read_from_lspci_or_skipped(tmp_path: Path) -> None:
    healthy(tmp_path)
    assert level(look(Acs(), tmp_path)) == Level.SKIP
    assert level(look(Acs(), tmp_path, lspci="\tCapabilities: <access denied>\n")) == Level.SKIP
    finding = look(Acs(), tmp_path, lspci=LSPCI + "\tACSCtl: SrcValid+ TransBlk-\n")
    assert finding is not None
    assert (finding.level, finding.found) == (Level.WARN, "on for 1 bridges")


def test_open_kernel_modules_bring_gpudirect_through_dma_buf(tmp_path: Path) -> None:
    healthy(tmp_path)
    _no_peermem(tmp_path)
    write(tmp_path, "proc/driver/nvidia/version", "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65")
    finding = look(GpuDirect(), tmp_path)
    assert finding is not None
    assert (finding.level, "dma-buf" in finding.found) == (Level.OK, True)


def _gpus(*active: int, state: str = "", status: str = "", note: str = "") -> Host:
    gpus = tuple(
        Gpu(index, links=18, links_active=links, link_rate_gb_s=26.562, fabric_state=state, fabric_status=status)
        for index, links in enumerate(active)
    )
    return Host(devices=Devices(gpus=gpus, nvml_note=note))


def test_a_gpu_that_lost_a_link_is_unfit() -> None:
    finding = NvlinkLinks().look(_gpus(18, 17))
    assert finding is not None
    assert (finding.level, finding.found) == (Level.FAIL, "GPU 1 17 of 18 active, others 18")
    assert level(NvlinkLinks().look(_gpus(12, 12))) == Level.OK  # pairs with bridges have fewer, by design
    assert NvlinkLinks().look(_gpus(0, 0)) is None
    assert level(NvlinkLinks().look(_gpus(note="nvidia-ml-py is not installed"))) == Level.SKIP


def test_active_links_without_a_completed_fabric_are_unfit() -> None:
    assert level(NvlinkFabric().look(_gpus(18, 18, state="completed", status="success"))) == Level.OK
    assert level(NvlinkFabric().look(_gpus(18, 18, state="in progress", status="success"))) == Level.FAIL
    assert level(NvlinkFabric().look(_gpus(18, 18, state="completed", status="error 999"))) == Level.FAIL
    assert NvlinkFabric().look(_gpus(18, 18)) is None


def test_two_nccl_libraries_on_the_path_are_named_and_links_to_one_are_one(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write(tmp_path, f"{folder}/libnccl.so.2.29.7", "")
        (tmp_path / folder / "libnccl.so.2").symlink_to(tmp_path / folder / "libnccl.so.2.29.7")
    one = Host(environ={"LD_LIBRARY_PATH": str(tmp_path / "a")})
    assert installed_nccl(one.environ)[0] == str(tmp_path / "a/libnccl.so.2.29.7")
    cache = f"\tlibnccl.so.2 (libc6,x86-64) => {tmp_path}/b/libnccl.so.2\n"
    both = Host(environ=one.environ, ask=lambda command: cache)
    finding = NcclCopies().look(both)
    assert finding is not None
    assert finding.level is Level.WARN
    assert f"{tmp_path}/b/libnccl.so.2.29.7" in finding.found


def test_the_libraries_in_a_process_are_those_of_its_memory_map(tmp_path: Path) -> None:
    lines = [f"7f00-7f01 r-xp 0 fd:0 1   /opt/{name}/libnccl.so.2" for name in ("torch", "torch", "site")]
    write(tmp_path, "self/maps", "\n".join([*lines, "7f02 r-xp 0 fd:0 1 /lib/libc.so.6"]))
    assert loaded_nccl(tmp_path) == ("/opt/torch/libnccl.so.2", "/opt/site/libnccl.so.2")


def test_a_tool_that_is_missing_or_fails_says_nothing() -> None:
    assert ask_tool(["no-such-tool-of-commbench"]) is None
    assert ask_tool(["false"]) is None
    assert ask_tool(["echo", "hello"]) == "hello\n"
