"""Build kernels/bucket.cu for the CPU and launch it as a GPU's would be."""

import ctypes
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from commbench.bucketing.build import KernelBuild
from commbench.bucketing.kernel_bucket import KernelBucket
from commbench.bucketing.plan import BucketPlan

Tensors = Sequence[torch.Tensor | None]
HERE = Path(__file__).parent
KERNELS = HERE.parents[1] / "kernels"
# -ffp-contract=off: a product and a sum must not become one rounding. All warnings are errors, as for Python.
FLAGS = ("-std=c++17", "-Wall", "-Werror", "-Wno-maybe-uninitialized", "-ffp-contract=off", "-shared", "-fPIC")


def has_compiler() -> bool:
    return shutil.which("g++") is not None


def build_library(out: Path, build: KernelBuild, sources: Path = KERNELS, level: str = "-O1") -> Path:
    """Compile the sources with the shim in place of a GPU; return the library."""
    command = ["g++", level, *FLAGS, *build.definitions, f"-I{sources}", f"-I{HERE}", str(HERE / "shim_main.cpp")]
    done = subprocess.run([*command, "-o", str(out)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return out


class ShimLauncher:
    """Launches on the CPU. Memory is only what `allow` names; any other access fails the launch."""

    def __init__(self, library: Path, build: KernelBuild, multiprocessors: int = 1) -> None:
        self.build, self.multiprocessors = build, multiprocessors
        self._library = ctypes.CDLL(str(library))
        self._library.shim_run.restype = ctypes.c_char_p
        self._library.shim_register.argtypes = (ctypes.c_uint64, ctypes.c_uint64)

    def allow(self, *tensors: torch.Tensor) -> None:
        self._library.shim_forget()
        for tensor in tensors:
            self._library.shim_register(tensor.data_ptr(), tensor.nbytes)

    def launch(self, kernel: str, blocks: int, arguments: tuple[np.generic, ...]) -> None:
        words = (ctypes.c_uint64 * len(arguments))(*(int(each) for each in arguments))
        fault = self._library.shim_run(kernel.encode(), blocks, words)
        assert not fault, f"{kernel}: {fault.decode()}"

    def convert(self, dtype: int, values: "np.ndarray[tuple[int], np.dtype[np.float32]]") -> torch.Tensor:
        """Return the 16-bit words that the twins of the GPU's conversions give."""
        out = torch.empty(len(values), dtype=torch.int16)
        addresses = (ctypes.c_void_p(values.ctypes.data), ctypes.c_void_p(out.data_ptr()))
        self._library.shim_convert(dtype, *addresses, ctypes.c_uint64(len(values)))
        return out


class ShimBucket(KernelBucket):
    """A kernel bucket in host memory, that lets the kernel touch its own memory and the tensors of the call only."""

    _shim: ShimLauncher

    def __init__(self, plan: BucketPlan, launcher: ShimLauncher) -> None:
        super().__init__(plan, torch.device("cpu"), launcher)
        self._shim = launcher

    def pack(self, tensors: Tensors, scale: torch.Tensor | None = None, *, stats: bool = False) -> None:
        self._shim.allow(self.buffer, self._tiles, *(each for each in tensors if each is not None))
        super().pack(tensors, scale, stats=stats)

    def unpack(self, tensors: Tensors, scale: torch.Tensor | None = None, *, accumulate: bool = False) -> None:
        self._shim.allow(self.buffer, self._tiles, *(each for each in tensors if each is not None))
        super().unpack(tensors, scale, accumulate=accumulate)

    def reduce(self, received: torch.Tensor, out: torch.Tensor, scale: torch.Tensor | None = None) -> None:
        self._shim.allow(received, out)
        super().reduce(received, out, scale)
