"""Facts of the host this process runs on, from the kernel and the driver."""

import os
import platform
import subprocess
from contextlib import suppress
from pathlib import Path

from commbench.environment.clock_id import clock_identity
from commbench.environment.variables import allowed_variables, conf_files
from commbench.model.environment import HostFacts

_SMI_TIMEOUT_S = 10  # a driver in trouble can block nvidia-smi for minutes


def host_facts() -> HostFacts:
    """Return what is known of this host without loading torch."""
    gpus, driver_version = _gpus()
    return HostFacts(
        hostname=platform.node(),
        clock_id=clock_identity(),
        kernel=platform.release(),
        cpu_model=_cpu_model(),
        cpu_count=len(os.sched_getaffinity(0)),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        gpus=gpus,
        driver_version=driver_version,
        python_version=platform.python_version(),
        variables=allowed_variables(os.environ),
        conf_files=conf_files(),
        mtus=mtus(),
    )


def _cpu_model(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def mtus(interfaces: Path = Path("/sys/class/net")) -> dict[str, int]:
    """Return the MTU of every network interface with a device behind it; those of containers come and go.

    Source: Documentation/ABI/testing/sysfs-class-net.
    """
    found = {}
    for folder in sorted(interfaces.glob("*/device")):
        with suppress(OSError, ValueError):  # gone meanwhile
            found[folder.parent.name] = int((folder.parent / "mtu").read_text())
    return found


def _gpus() -> tuple[tuple[str, ...], str]:
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=_SMI_TIMEOUT_S, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return (), ""
    rows = [line.rpartition(",") for line in answer.stdout.splitlines() if "," in line]
    return tuple(name.strip() for name, _, _ in rows), rows[0][2].strip() if rows else ""
