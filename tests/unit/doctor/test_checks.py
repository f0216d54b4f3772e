from collections.abc import Callable
from pathlib import Path

import pytest

from commbench.doctor.cores import ClockSource, Cores, Quota, Smt
from commbench.doctor.examine import CHECKS, examine, worst
from commbench.doctor.finding import Check, Finding, Level
from commbench.doctor.frequency import Governor, Throttling
from commbench.doctor.gpus import Ecc, GpuTenants, GpuThrottling, Persistence
from commbench.doctor.host import Host, expand_list, gpu_table
from commbench.doctor.memory import HugePages, LockedMemory, SharedMemory, Swap
from commbench.doctor.software import Libraries, Variables
from commbench.doctor.tenants import Steal

from .fake_host import GPU, LIMITS, quiet_host, write

Spoil = Callable[[Path], None]


def _file(path: str, text: str) -> Spoil:
    return lambda root: write(root, path, text)


def _small_limit_with_rdma(root: Path) -> None:
    write(
        root, "proc/self/limits", f"{LIMITS}Max locked memory         65536                65536                bytes\n"
    )
    write(root, "sys/class/infiniband/mlx5_0/node_type", "1: CA\n")


def _always_huge(root: Path) -> None:
    for name in ("enabled", "defrag"):
        write(root, f"{THP}/{name}", "[always] madvise never\n")


CPU = "sys/devices/system/cpu"
CLOCK = "sys/devices/system/clocksource/clocksource0/current_clocksource"
THP = "sys/kernel/mm/transparent_hugepage"
REASONS = "clocks_throttle_reasons.active"
SWAPPED = "Filename Type Size Used Priority\n/swapfile file 4194300 2048 -2\n"

SPOILED: dict[str, tuple[Check, Spoil, Level, str]] = {
    "governor": (Governor(), _file(f"{CPU}/cpu2/cpufreq/scaling_governor", "powersave\n"), Level.WARN, "powersave"),
    "heat": (Throttling(), _file(f"{CPU}/cpu1/thermal_throttle/core_throttle_count", "7\n"), Level.WARN, "7 times"),
    "smt": (Smt(), _file(f"{CPU}/smt/active", "1\n"), Level.WARN, "more ranks than cores"),
    "clock": (ClockSource(), _file(CLOCK, "hpet\n"), Level.WARN, "hpet, of tsc hpet acpi_pm"),
    "quota": (Quota(), _file("sys/fs/cgroup/job/cpu.max", "150000 100000\n"), Level.FAIL, "1.5 CPUs"),
    "memlock": (LockedMemory(), _small_limit_with_rdma, Level.FAIL, "at most 64 KiB"),
    "thp": (HugePages(), _always_huge, Level.WARN, "always"),
    "swap": (Swap(), _file("proc/swaps", SWAPPED), Level.WARN, "2 MiB in use"),
    "no shm": (SharedMemory(), lambda _: None, Level.WARN, "there is no"),
    "steal": (Steal(), _file("proc/stat", "cpu  100 0 100 700 0 0 0 100 0 0\ncpu0 1\n"), Level.WARN, "10.0%"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_what_spoils_a_measurement_is_found_and_comes_with_a_remedy(name: str, tmp_path: Path) -> None:
    check, spoil, level, words = SPOILED[name]
    host = quiet_host(tmp_path, ranks=8)
    spoil(tmp_path)
    finding = check.look(host)
    assert finding is not None
    assert (finding.level, words in finding.found) == (level, True), finding
    assert level is Level.OK or (finding.changes and finding.remedy)


def test_a_quiet_host_has_nothing_to_mend(tmp_path: Path) -> None:
    (tmp_path / "dev/shm").mkdir(parents=True)
    findings = examine(
        quiet_host(tmp_path, ranks=4),
        [check for check in CHECKS if check.name not in {"other tenants", "shared memory"}],
    )
    assert [finding for finding in findings if finding.level is not Level.OK] == []
    assert len(findings) >= 10


def test_a_kernel_that_says_nothing_breaks_no_check(tmp_path: Path) -> None:
    proc, sys, dev = (tmp_path / name for name in ("proc", "sys", "dev"))
    host = Host(2, proc, sys, dev, environ={}, pause=lambda _: None)
    assert all(isinstance(finding, Finding) for finding in examine(host))


@pytest.mark.parametrize(("ranks", "level"), [(0, Level.OK), (2, Level.OK), (3, Level.WARN), (5, Level.WARN)])
def test_hyper_threads_are_not_counted_as_cores(ranks: int, level: Level, tmp_path: Path) -> None:
    host = quiet_host(tmp_path, ranks=ranks)
    for cpu in range(4):
        write(tmp_path, f"{CPU}/cpu{cpu}/topology/thread_siblings_list", f"{cpu % 2},{cpu % 2 + 2}\n")
    finding = Cores().look(host)
    assert finding is not None
    assert finding.level is level
    assert "4 usable CPUs on 2 cores" in finding.found


def test_a_quota_that_grants_every_rank_a_cpu_but_was_used_up_is_a_warning(tmp_path: Path) -> None:
    host = quiet_host(tmp_path, ranks=2)
    write(tmp_path, "sys/fs/cgroup/job/cpu.max", "200000 100000\n")
    write(tmp_path, "sys/fs/cgroup/job/cpu.stat", "throttled_usec 2500000\n")
    finding = Quota().look(host)
    assert finding is not None
    assert (finding.level, finding.found) == (Level.WARN, "2 CPUs, 2.5 s cut off so far")


def test_settings_left_over_are_named_but_no_secret_is(tmp_path: Path) -> None:
    environ = {"NCCL_ALGO": "Ring", "NCCL_TOKEN": "hunter2", "PATH": "/bin", "HOME": str(tmp_path)}
    (tmp_path / ".nccl.conf").write_text("NCCL_DEBUG=INFO\n")
    finding = Variables().look(quiet_host(tmp_path, environ=environ))
    assert finding is not None
    assert finding.level is Level.WARN
    assert "NCCL_ALGO=Ring" in finding.found
    assert ".nccl.conf" in finding.found
    assert "hunter2" not in str(finding)
    assert finding.remedy.startswith("unset NCCL_ALGO,")


def test_the_installed_torch_is_named_without_importing_it(tmp_path: Path) -> None:
    finding = Libraries().look(quiet_host(tmp_path))
    assert finding is not None
    assert finding.found.startswith("torch 2.")


@pytest.mark.parametrize(
    ("check", "spoilt", "level", "words"),
    [
        (Persistence(), {"persistence_mode": "Disabled"}, Level.WARN, "off on GPU 1"),
        (GpuThrottling(), {REASONS: "0x0000000000000024"}, Level.WARN, "GPU 1: power cap, GPU 1: heat"),
        (GpuThrottling(), {REASONS: "[N/A]"}, Level.OK, "all is well on 2 x NVIDIA H200"),
        (Ecc(), {"ecc.errors.uncorrected.volatile.total": "3"}, Level.FAIL, "uncorrected errors on GPU 1"),
        (Ecc(), {"ecc.mode.current": "Disabled"}, Level.WARN, "ECC is off on GPU 1"),
        (GpuTenants(), {"utilization.gpu": "87"}, Level.WARN, "GPU 1: 87 %"),
    ],
)
def test_a_gpu_that_is_not_ready_is_named(
    check: Check, spoilt: dict[str, str], level: Level, words: str, tmp_path: Path
) -> None:
    assert check.look(quiet_host(tmp_path)) is None  # no GPUs, nothing to say
    sound = check.look(quiet_host(tmp_path, gpus=(GPU, GPU)))
    assert sound is not None
    assert sound.level is Level.OK
    finding = check.look(quiet_host(tmp_path, gpus=(GPU, GPU | spoilt)))
    assert finding is not None
    assert finding.level is level
    assert words in finding.found


def test_the_driver_s_table_is_read_row_by_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(
        "#!/bin/sh\necho 'NVIDIA H200, NVL, Enabled, Disabled, [N/A], 0x0000000000000000, 12'\necho junk\n"
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    (gpu,) = gpu_table()
    assert (gpu["name"], gpu["ecc.mode.current"], gpu["utilization.gpu"]) == ("NVIDIA H200, NVL", "Disabled", "12")
    program.write_text("#!/bin/sh\nexit 9\n")
    assert gpu_table() == ()


def test_the_worst_finding_decides() -> None:
    ok, warn, fail = (Finding("x", level, "") for level in (Level.OK, Level.WARN, Level.FAIL))
    assert (worst([]), worst([ok]), worst([warn, ok]), worst([ok, fail, warn])) == ("ok", "ok", "warn", "fail")


def test_lists_of_the_kernel_are_expanded() -> None:
    assert expand_list("0-2,7\n") == (0, 1, 2, 7)
    assert expand_list("") == ()
