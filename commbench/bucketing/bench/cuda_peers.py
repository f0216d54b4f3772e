"""Peers that need a GPU: two written again from published parameters, the driver's batched copy, and Triton's."""

import zlib
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch

from commbench.assets import folder
from commbench.bucketing.bench import tables
from commbench.bucketing.bench.competitor import Competitor, Prepared, in_set
from commbench.bucketing.bench.sets import TensorSet
from commbench.bucketing.bench.triton_peer import TritonPointerTable
from commbench.bucketing.bench.work import Direction, Work
from commbench.bucketing.layout import E4M3
from commbench.errors import UnfitError

_NO_GPU = "it needs a CUDA GPU"
_MOST_INT32 = 2**31 - 1
_SOURCE = "peers.cu"


class _Module:
    """kernels/peers.cu, compiled by CuPy for blocks of so many threads."""

    def __init__(self, threads: int) -> None:
        import cupy

        self._cupy, self._threads = cupy, threads
        kernels = folder("kernels")
        # CuPy keeps what it compiled by source and options, and does not look into the files that the source includes.
        included = zlib.crc32(b"".join(path.read_bytes() for path in sorted(kernels.glob("*.cuh"))))
        defined = (f"-DBUCKET_THREADS={threads}", "-DBUCKET_BLOCKS=1", f"-DINCLUDED={included}")
        options = ("-std=c++17", f"-I{kernels}", *defined)
        self._module: Any = cupy.RawModule(code=(kernels / _SOURCE).read_text(), options=options)
        self._functions: dict[str, Any] = {}

    def launch(self, name: str, launches: Sequence[tables.Launch], arguments: tuple[np.generic, ...]) -> None:
        """Start one kernel after the other on torch's current stream."""
        if name not in self._functions:
            self._functions[name] = self._module.get_function(name)
        function = self._functions[name]
        stream = self._cupy.cuda.Stream.from_external(torch.cuda.current_stream())
        for each in launches:
            function((each.blocks,), (self._threads,), (each.table, *arguments), stream=stream)


class ApexMultiTensorScale(Competitor):
    """apex's and TransformerEngine's `multi_tensor_scale`: cast, scale and a flag for what is not finite."""

    name = "apex_multi_tensor_scale"
    is_reimplemented = True

    def __init__(self) -> None:
        self._module: _Module | None = None

    def refusal(self, work: Work, device: torch.device) -> str:
        too_large = "it counts elements of a tensor in 32 bits" if max(work.workload.counts) > _MOST_INT32 else ""
        return _refuse(work, device) or too_large

    def prepare(self, work: Work, tensors: TensorSet) -> Prepared:
        module = self._module = self._module or _Module(tables.APEX_THREADS)
        sources, targets = _ends(work, tensors)
        launches = tables.apex_launches(_addresses(sources), _addresses(targets), work.workload.counts)
        name = f"apex_{_name(sources)}_{_name(targets)}"
        flag = torch.zeros(1, dtype=torch.int32, device=tensors.flat.device)
        arguments = (np.int32(tables.APEX_CHUNK), np.float32(work.scale), np.uint64(flag.data_ptr()))

        def call() -> torch.Tensor:
            module.launch(name, launches, arguments)
            return flag  # keeps it alive as long as the call

        return in_set(work, tensors, call)

    def launches(self, work: Work) -> int | None:
        return sum(1 for _ in tables.apex_chunks(work.workload.counts))


class HorovodBatchedCopy(Competitor):
    """Horovod's batched copy with its scale; types stay as they are, so that a cast is torch's and a second pass."""

    name = "horovod_batched_copy"
    is_reimplemented = True
    directions = (Direction.PACK,)

    def __init__(self) -> None:
        self._module: _Module | None = None

    def refusal(self, work: Work, device: torch.device) -> str:
        unscalable = work.is_scaled and work.tensor_dtype != "float32"
        return _refuse(work, device) or ("written again for float32 where it scales" if unscalable else "")

    def prepare(self, work: Work, tensors: TensorSet) -> Prepared:
        module = self._module = self._module or _Module(tables.HOROVOD_THREADS)
        dtype, counts = tensors.arena.dtype, work.workload.counts
        fusion = (
            torch.empty(len(tensors.flat), dtype=dtype, device=tensors.flat.device) if work.is_cast else tensors.flat
        )
        sizes_bytes = [count * dtype.itemsize for count in counts]
        parts = list(fusion.split_with_sizes(counts))
        launches = tables.horovod_launches(_addresses(tensors.tensors), _addresses(parts), sizes_bytes)
        scale = (np.float32(work.scale),) if work.is_scaled else ()

        def call() -> None:
            module.launch("horovod_float32" if work.is_scaled else "horovod_bytes", launches, scale)
            if work.is_cast:
                tensors.flat.copy_(fusion)

        return in_set(work, tensors, call)

    def launches(self, work: Work) -> int | None:
        return -(-len(work.workload.counts) // tables.HOROVOD_TENSORS) + work.is_cast


class CudaMemcpyBatch(Competitor):
    """`cudaMemcpyBatchAsync` of CUDA 12.8 and newer: the driver's copy of a list; no cast, no scale."""

    name = "cuda_memcpy_batch"

    def refusal(self, work: Work, device: torch.device) -> str:
        bytes_only = "it copies bytes: no cast and no scale" if work.is_cast or work.is_scaled else ""
        return _refuse(work, device) or bytes_only

    def prepare(self, work: Work, tensors: TensorSet) -> Prepared:
        from cuda.bindings import runtime

        sources, targets = _ends(work, tensors)
        pairs = [(a, b) for a, b in zip(sources, targets, strict=True) if a.numel()]  # no copies of nothing
        attributes = runtime.cudaMemcpyAttributes()
        attributes.srcAccessOrder = runtime.cudaMemcpySrcAccessOrder.cudaMemcpySrcAccessOrderStream
        lists = (_addresses([b for _, b in pairs]), _addresses([a for a, _ in pairs]), [a.nbytes for a, _ in pairs])
        stream = torch.cuda.Stream(tensors.flat.device)  # type: ignore[no-untyped-call] # torch

        def call() -> None:
            if torch.cuda.is_current_stream_capturing():
                raise UnfitError(
                    "cudaMemcpyBatchAsync cannot be recorded: the driver has no such node (rapidsai/rmm#2518)"
                )
            # The driver refuses the legacy default stream, which is torch's: the fork and the join are in its time.
            current = torch.cuda.current_stream(tensors.flat.device)
            stream.wait_stream(current)
            answer = runtime.cudaMemcpyBatchAsync(
                *lists, len(pairs), [attributes], [0], 1, runtime.cudaStream_t(stream.cuda_stream)
            )
            if int(answer[0]):
                raise UnfitError(f"cudaMemcpyBatchAsync failed: {answer[0].name}")
            current.wait_stream(stream)

        return in_set(work, tensors, call)


def cuda_peers() -> tuple[Competitor, ...]:
    """Return all of them."""
    return (ApexMultiTensorScale(), HorovodBatchedCopy(), CudaMemcpyBatch(), TritonPointerTable())


def _refuse(work: Work, device: torch.device) -> str:
    if work.bucket_dtype == E4M3:
        return "it has no e4m3 with a scale for each 128 elements"
    if device.type != "cuda":
        return _NO_GPU
    return "" if find_spec("cupy") else "CuPy is not installed: pip install 'commbench[gpu]'"


def _ends(work: Work, tensors: TensorSet) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Return what is read and what is written."""
    is_unpack = work.direction == Direction.UNPACK
    return (tensors.places, tensors.tensors) if is_unpack else (tensors.tensors, tensors.places)


def _addresses(tensors: Sequence[torch.Tensor]) -> list[int]:
    return [tensor.data_ptr() for tensor in tensors]


def _name(tensors: Sequence[torch.Tensor]) -> str:
    return str(tensors[0].dtype).removeprefix("torch.")
