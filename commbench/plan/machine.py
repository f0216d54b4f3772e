"""What this host has, read from /proc without torch: CPU cores, memory, GPUs."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

PROC = Path("/proc")
CGROUP = Path("/sys/fs/cgroup")
GPUS = Path("driver/nvidia/gpus")  # below /proc: the kernel driver keeps one folder here per GPU
DEVICES = Path("/dev")
_BYTES_PER_KIB = 1024


@dataclass(frozen=True, slots=True)
class Machine:
    """What one host offers to ranks; `memory_bytes` is what is available now."""

    cpu_count: int
    memory_bytes: int
    gpu_count: int


def this_machine() -> Machine:
    """Return what this host offers to this process."""
    return Machine(len(os.sched_getaffinity(0)), available_memory_bytes(), usable_gpu_count())


def usable_gpu_count(gpu_root: Path = PROC / GPUS) -> int:
    """Return the CUDA GPUs that ranks can use here: none when the installed torch was built for CPUs only."""
    return count_gpus(gpu_root) if _torch_has_cuda() else 0


def count_gpus(gpu_root: Path, devices: Path = DEVICES, environ: Mapping[str, str] = os.environ) -> int:
    """Return the GPUs that the NVIDIA driver has here and CUDA may see; none where there is no driver.

    They are listed in a folder of /proc, which a sandbox may lack: there the device files are counted.
    """
    listed = gpu_root.iterdir() if gpu_root.is_dir() else devices.glob("nvidia[0-9]*")
    count, visible = sum(1 for _ in listed), environ.get("CUDA_VISIBLE_DEVICES")
    return count if visible is None else min(count, _named(visible))


def _named(visible: str) -> int:
    """Return how many devices CUDA_VISIBLE_DEVICES names: CUDA reads it up to the first that cannot be one.

    Source: CUDA C++ Programming Guide, "CUDA Environment Variables"; `-1` and `NoDevFiles` are how people hide all.
    """
    names = [each.strip() for each in visible.split(",")]
    return next((n for n, name in enumerate(names) if not name or name.startswith(("-", "NoDevFiles"))), len(names))


def available_memory_bytes(proc: Path = PROC, cgroup: Path = CGROUP) -> int:
    """Return the memory that new processes can have: MemAvailable, or the container's limit if that is less."""
    lines = (proc / "meminfo").read_text(encoding="ascii").splitlines()
    (available,) = (int(line.split()[1]) * _BYTES_PER_KIB for line in lines if line.startswith("MemAvailable:"))
    limit_file = cgroup / "memory.max"
    limit = limit_file.read_text(encoding="ascii").strip() if limit_file.is_file() else "max"
    return available if limit == "max" else min(available, int(limit))


def _torch_has_cuda() -> bool:
    # Asked of the files, because importing torch takes seconds and the controlling process must not.
    spec = find_spec("torch")
    return spec is not None and spec.origin is not None and (Path(spec.origin).parent / "lib/libtorch_cuda.so").exists()
