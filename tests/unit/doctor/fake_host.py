"""A quiet host of four CPUs on four cores, made of files; a test spoils what it is about."""

from pathlib import Path

from commbench.doctor.host import GPU_COLUMNS, Host

IDLE_STAT = "cpu  100 0 100 1000 0 0 0 0 0 0\n" + "".join(f"cpu{i} 25 0 25 250 0 0 0 0 0 0\n" for i in range(4))
LIMITS = "Limit                     Soft Limit           Hard Limit           Units     \n"
GPU = dict(zip(GPU_COLUMNS, ("NVIDIA H200", "Enabled", "Enabled", "0", "0x0000000000000001", "0"), strict=True))


def quiet_host(root: Path, ranks: int = 0, **kept: object) -> Host:
    write(root, "proc/stat", IDLE_STAT)
    write(root, "proc/loadavg", "0.25 0.10 0.05 1/80 1234\n")
    write(root, "proc/self/status", "Name:\tpython\nCpus_allowed_list:\t0-3\n")
    write(
        root, "proc/self/limits", f"{LIMITS}Max locked memory         unlimited            unlimited            bytes\n"
    )
    write(root, "proc/self/cgroup", "0::/job\n")
    write(root, "proc/swaps", "Filename\t\t\tType\t\tSize\t\tUsed\t\tPriority\n")
    write(root, "sys/fs/cgroup/job/cpu.stat", "usage_usec 5\nthrottled_usec 0\n")
    write(root, "sys/fs/cgroup/job/cpu.max", "max 100000\n")
    write(root, "sys/devices/system/cpu/smt/active", "0\n")
    write(root, "sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n")
    write(root, "sys/devices/system/clocksource/clocksource0/available_clocksource", "tsc hpet acpi_pm \n")
    write(root, "sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n")
    write(root, "sys/kernel/mm/transparent_hugepage/defrag", "always defer [madvise] never\n")
    for cpu in range(4):
        folder = f"sys/devices/system/cpu/cpu{cpu}"
        write(root, f"{folder}/topology/thread_siblings_list", f"{cpu}\n")
        write(root, f"{folder}/cpufreq/scaling_governor", "performance\n")
        write(root, f"{folder}/thermal_throttle/core_throttle_count", "0\n")
    facts: dict[str, object] = {"environ": {"HOME": str(root)}, "pause": lambda _: None} | kept
    return Host(ranks, root / "proc", root / "sys", root / "dev", **facts)  # type: ignore[arg-type]


def write(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
