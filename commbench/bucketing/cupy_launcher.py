"""Load the compiled kernels with CuPy and launch them on torch's current stream."""

import os
from typing import Any

import numpy as np
import torch

from commbench.bucketing.build import KERNELS, THREADS, KernelBuild
from commbench.bucketing.cubins import VARIABLE, cache_folder, cubin_path
from commbench.bucketing.kernel_bucket import KernelBucket
from commbench.bucketing.nvrtc import Nvrtc
from commbench.bucketing.plan import BucketPlan
from commbench.errors import UnfitError

_CUDA_VERSION_FACTOR = 1000  # the driver says 13000 for CUDA 13.0: cudaDriverGetVersion


class CupyLauncher:
    """The kernels of one build on one device.

    Raises:
        UnfitError: no CuPy or NVRTC, a driver older than the compiler, or no folder to keep the kernels in.
    """

    def __init__(self, device: torch.device, build: KernelBuild | None = None) -> None:
        self.build = build or KernelBuild()
        self._device = device
        self._cupy = _import_cupy()
        if not hasattr(torch.cuda.Stream, "__cuda_stream__"):
            raise UnfitError(
                f"the fused kernel runs on torch's streams; CuPy takes those of 2.10 on, not of {torch.__version__}"
            )
        compiler = Nvrtc()
        check_driver(self._cupy.cuda.runtime.driverGetVersion(), compiler.version)
        facts = torch.cuda.get_device_properties(device)
        self.multiprocessors: int = facts.multi_processor_count
        path = cubin_path(compiler, f"sm_{facts.major}{facts.minor}", self.build, cache_folder(os.environ))
        module = self._cupy.RawModule(path=str(path))
        with torch.cuda.device(device):  # all now: nothing may be loaded while a CUDA graph is recorded
            self._kernels: dict[str, Any] = {name: module.get_function(name) for name in KERNELS}

    def launch(self, kernel: str, blocks: int, arguments: tuple[np.generic, ...]) -> None:
        with torch.cuda.device(self._device):
            # Asked for at every launch: a kept stream would leave the kernel out of a CUDA graph (helion#2817).
            stream = self._cupy.cuda.Stream.from_external(torch.cuda.current_stream(self._device))
            self._kernels[kernel]((blocks,), (THREADS,), arguments, stream=stream)


def open_kernel_bucket(
    plan: BucketPlan,
    device: torch.device,
    buffer: torch.Tensor | None = None,
    *,
    build: KernelBuild | None = None,
    max_blocks: int | None = None,
) -> KernelBucket:
    """Return a bucket on a CUDA device.

    Raises:
        UsageError: the buffer does not fit the plan.
        UnfitError: there is no such GPU, or not what the kernel needs.
    """
    if not torch.cuda.is_available():
        raise UnfitError("the fused kernel needs a CUDA GPU and torch finds none; open the bucket on cpu instead")
    index = torch.cuda.current_device() if device.index is None else device.index
    if index >= torch.cuda.device_count():
        raise UnfitError(f"there is no {device}: torch finds {torch.cuda.device_count()} GPUs")
    where = torch.device("cuda", index)
    return KernelBucket(plan, where, CupyLauncher(where, build), buffer, max_blocks)


def _import_cupy() -> Any:
    try:
        import cupy
    except ImportError as error:
        raise UnfitError(f"the fused kernel is launched by CuPy: {error}; pip install 'commbench[gpu]'") from error
    except OSError as error:  # CuPy makes its cache folder when it is imported
        raise UnfitError(f"CuPy cannot make its cache ({error}); set {VARIABLE} to a writable folder") from error
    return cupy


def check_driver(driver: int, compiler: tuple[int, int]) -> None:
    """Refuse a driver of an older CUDA major: it cannot load what the compiler makes; minors are compatible.

    Raises:
        UnfitError: it is one.
    """
    major, minor = divmod(driver, _CUDA_VERSION_FACTOR)
    if major < compiler[0]:
        raise UnfitError(
            f"the driver is of CUDA {major}.{minor // 10}, the compiler of CUDA {compiler[0]}.{compiler[1]}; "
            "update the driver, or install torch, cupy and nvidia-cuda-nvrtc of the driver's CUDA"
        )
