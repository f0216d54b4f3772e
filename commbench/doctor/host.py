"""The host as the checks see it: folders of the kernel, the environment, the driver's table of GPUs."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from commbench.fabric.devices import Devices

_SMI_TIMEOUT_S = 10  # a driver in trouble can block nvidia-smi for minutes
_TOOL_TIMEOUT_S = 10

# Source: nvidia-smi --help-query-gpu; the older name of the reasons is known to old and new drivers.
GPU_COLUMNS = (
    "name",
    "persistence_mode",
    "ecc.mode.current",
    "ecc.errors.uncorrected.volatile.total",
    "clocks_throttle_reasons.active",
    "utilization.gpu",
)


@dataclass(frozen=True, slots=True)
class Host:
    """Where the checks look; tests put other folders here. `ranks` is 0 when it is not known how many will run.

    `devices` are the RDMA ports, interfaces and GPUs that discovery found under `sys`.
    """

    ranks: int = 0
    proc: Path = Path("/proc")
    sys: Path = Path("/sys")
    dev: Path = Path("/dev")
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    gpus: tuple[Mapping[str, str], ...] = ()
    pause: Callable[[float], None] = time.sleep
    devices: Devices = field(default_factory=Devices)
    ask: Callable[[Sequence[str]], str | None] = lambda _: None  # runs a tool; None: not installed, or refused

    @property
    def cpu_folder(self) -> Path:
        """Return the folder of the kernel's CPU facts."""
        return self.sys / "devices/system/cpu"

    def cpus(self) -> tuple[int, ...]:
        """Return the CPUs that this process may use."""
        lines = text(self.proc / "self/status").splitlines()
        allowed = next((line.partition(":")[2] for line in lines if line.startswith("Cpus_allowed_list:")), "")
        return expand_list(allowed)

    def cores(self) -> int:
        """Return how many physical cores the usable CPUs lie on; as many as CPUs where the kernel does not say."""
        return len({self._siblings(cpu) or str(cpu) for cpu in self.cpus()})

    def _siblings(self, cpu: int) -> str:
        return text(self.cpu_folder / f"cpu{cpu}/topology/thread_siblings_list")


def ask_tool(command: Sequence[str]) -> str | None:
    """Return what a tool prints, or None when it is not installed, fails or hangs."""
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_TOOL_TIMEOUT_S, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return answer.stdout


def text(path: Path) -> str:
    """Return what a file of the kernel says, or nothing when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def expand_list(numbers: str) -> tuple[int, ...]:
    """Return the numbers that a list of the kernel names, such as `0-3,8`."""
    found: list[int] = []
    for part in numbers.strip().split(",") if numbers.strip() else ():
        first, _, last = part.partition("-")
        found.extend(range(int(first), int(last or first) + 1))
    return tuple(found)


def gpu_table() -> tuple[dict[str, str], ...]:
    """Return one row of facts per GPU from nvidia-smi; empty where there is none, or its driver is in trouble."""
    command = ["nvidia-smi", f"--query-gpu={','.join(GPU_COLUMNS)}", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_SMI_TIMEOUT_S, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return ()
    rows = [line.rsplit(",", len(GPU_COLUMNS) - 1) for line in answer.stdout.splitlines()]
    return tuple(
        dict(zip(GPU_COLUMNS, map(str.strip, row), strict=True)) for row in rows if len(row) == len(GPU_COLUMNS)
    )
