"""Which torch, CUDA and NCCL this process really runs: the library that is loaded, not the one in the headers."""

import ctypes
import platform
from dataclasses import replace
from pathlib import Path

import torch

from commbench.model.environment import HostFacts

_MAJOR_SINCE_2_9 = 10_000  # ncclGetVersion: 2.9 and newer are major * 10000 + minor * 100 + patch


def complete(facts: HostFacts, rank: int) -> HostFacts:
    """Return host facts with this process's rank and its libraries."""
    library = _loaded_nccl()
    return replace(
        facts,
        ranks=(rank,),
        python_version=platform.python_version(),
        torch_version=torch.__version__,
        cuda_version=torch.version.cuda or "",
        nccl_build_version=_build_version(),
        nccl_version=_runtime_version(library) if library else "",
        nccl_library=library,
    )


def _loaded_nccl(maps: Path = Path("/proc/self/maps")) -> str:
    """Return the path of every libnccl mapped into this process; two at once happen, and explain a lot."""
    try:
        lines = maps.read_text().splitlines()
    except OSError:
        return ""
    return ":".join(sorted({line.split()[-1] for line in lines if "libnccl" in line.rpartition("/")[2]}))


def _runtime_version(library: str) -> str:
    number = ctypes.c_int()
    try:
        ctypes.CDLL(library.split(":", maxsplit=1)[0]).ncclGetVersion(ctypes.byref(number))
    except (OSError, AttributeError):
        return ""
    major, rest = divmod(number.value, _MAJOR_SINCE_2_9)
    return f"{major}.{rest // 100}.{rest % 100}"


def _build_version() -> str:
    if not torch.cuda.is_available():
        return ""
    return ".".join(str(part) for part in torch.cuda.nccl.version())  # type: ignore[no-untyped-call] # torch
