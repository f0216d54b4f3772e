"""A Triton kernel over a table of pointers in device memory: the strongest thing that is quick to write."""

from importlib.util import find_spec
from typing import Any

import numpy as np
import torch

from commbench.bucketing.bench.competitor import Competitor, Prepared, in_set
from commbench.bucketing.bench.sets import TensorSet
from commbench.bucketing.bench.work import Direction, Work
from commbench.bucketing.layout import E4M3

_TILE = 4096  # elements of one program
_WARPS = 8
_ALIGNMENT_BYTES = 16  # of the widest access


class TritonPointerTable(Competitor):
    """One launch, one program for each 4,096 elements; the tables are built once, as ours are."""

    name = "triton_pointer_table"

    def refusal(self, work: Work, device: torch.device) -> str:
        if work.bucket_dtype == E4M3:
            return "it has no e4m3 with a scale for each 128 elements"
        if device.type != "cuda":
            return "it needs a CUDA GPU"
        return "" if find_spec("triton") else "Triton is not installed; torch for CUDA brings it along"

    def prepare(self, work: Work, tensors: TensorSet) -> Prepared:
        from commbench.bucketing.bench import triton_kernels

        is_unpack = work.direction == Direction.UNPACK
        ends = (tensors.places, tensors.tensors) if is_unpack else (tensors.tensors, tensors.places)
        device = tensors.flat.device
        addresses = [torch.tensor([each.data_ptr() for each in end], device=device) for end in ends]
        tiles = [torch.from_numpy(each).to(device) for each in tiles_of(work.workload.counts)]
        counts = torch.tensor(work.workload.counts, device=device)
        types = [_triton_type(str(end[0].dtype)) for end in ends]
        is_aligned = all(each.data_ptr() % _ALIGNMENT_BYTES == 0 for end in ends for each in end)
        grid = (len(tiles[0]),)

        def call() -> None:
            triton_kernels.copy_tiles[grid](
                *addresses, *tiles, counts, work.scale, *types, aligned=is_aligned, tile=_TILE, num_warps=_WARPS
            )

        return in_set(work, tensors, call)

    def launches(self, work: Work) -> int | None:
        return 1


def tiles_of(counts: tuple[int, ...], tile: int = _TILE) -> tuple[Any, Any]:
    """Return the tensor of each tile and where in it the tile begins."""
    per_tensor = -(-np.asarray(counts, dtype=np.int64) // tile)
    tensors = np.repeat(np.arange(len(counts)), per_tensor)
    firsts = np.repeat(np.cumsum(per_tensor) - per_tensor, per_tensor)
    return tensors, (np.arange(len(tensors)) - firsts) * tile


def _triton_type(name: str) -> Any:
    import triton.language as tl

    return getattr(tl, name.removeprefix("torch."))
