"""What people write with torch alone to pack gradients and to unpack them."""

from collections.abc import Callable, Sequence

import torch
from torch._utils import _flatten_dense_tensors  # what DDP, FSDP1, apex and DeepSpeed flatten with

from commbench.bucketing.bench.competitor import Competitor, Prepared, in_set
from commbench.bucketing.bench.sets import TensorSet
from commbench.bucketing.bench.work import RANKS, Direction, Work
from commbench.bucketing.checks import torch_dtype
from commbench.bucketing.layout import E4M3, UNIT_COUNT

_NO_E4M3 = "torch has no e4m3 with a scale for each 128 elements"
# torch.compile makes code for every tensor: about a quarter of a second of compilation for each on one core.
_MOST_COMPILED = 512


class TorchCat(Competitor):
    """`torch.cat`, then the cast, then the scale: three passes."""

    name = "torch_cat"
    directions = (Direction.PACK,)

    def refusal(self, work: Work, device: torch.device) -> str:
        return _refuse(work)

    def prepare(self, work: Work, tensors: TensorSet) -> Prepared:
        wide = torch.empty(len(tensors.flat), dtype=torch_dtype(work.tensor_dtype), device=tensors.flat.device)

        def call() -> None:
            if work.is_cast:
                torch.cat(tensors.tensors, out=wide)
                tensors.flat.copy_(wide)
            else:
                torch.cat(tensors.tensors, out=tensors.flat)
            _scale(work, tensors.flat)

        return in_set(work, tensors, call)


class TorchFlatten(Competitor):
    """`_flatten_dense_tensors`: the same operation as cat, into memory of its own, under its well-known name."""

    name = "torch_flatten"
    directions = (Direction.PACK,)

    def refusal(self, work: Work, device: torch.device) -> str:
        return _refuse(work)

    def prepare(self, work: Work, tensors: TensorSet) -> Prepared:
        def make() -> list[torch.Tensor]:
            flat = _flatten_dense_tensors(tensors.tensors)  # type: ignore[no-untyped-call] # torch
            cast: torch.Tensor = flat.to(tensors.flat.dtype)
            _scale(work, cast)
            return [cast]

        return _newest(tensors, make)


class TorchForeachCopy(Competitor):
    """`torch._foreach_copy_` casts; a scale needs a second pass, unless NCCL's AVG takes it over (unscaled rows)."""

    name = "torch_foreach_copy"

    def refusal(self, work: Work, device: torch.device) -> str:
        return _refuse(work)

    def prepare(self, work: Work, tensors: TensorSet) -> Prepared:
        targets, sources = _ends(work, tensors)

        def call() -> None:
            torch._foreach_copy_(targets, sources)
            if work.is_scaled:
                tensors.flat.div_(1 / work.scale)

        return in_set(work, tensors, call)


class TorchForeachAdd(Competitor):
    """`torch._foreach_add_` of the bucket's parts to the tensors, whose type it takes on the way."""

    name = "torch_foreach_add"
    directions = (Direction.UNPACK_ADD,)

    def refusal(self, work: Work, device: torch.device) -> str:
        return _refuse(work) or ("a scale would be a second pass over the bucket" if work.is_scaled else "")

    def prepare(self, work: Work, tensors: TensorSet) -> Prepared:
        return in_set(work, tensors, lambda: torch._foreach_add_(tensors.tensors, tensors.places))


class TorchDequantizeSum(Competitor):
    """What people write with torch to sum quantized messages: each made float32 and added, then the scale."""

    name = "torch_dequantize_sum"
    directions = (Direction.REDUCE,)

    def refusal(self, work: Work, device: torch.device) -> str:
        return ""

    def prepare(self, work: Work, tensors: TensorSet) -> Prepared:
        (out,), units = tensors.tensors, work.plan.shard_units
        messages = tensors.flat.view(RANKS, -1)
        elements = messages[:, : out.numel()].view(torch.float8_e4m3fn).view(RANKS, units, UNIT_COUNT)
        scales = messages.view(torch.float32)[:, out.numel() // out.itemsize :].unsqueeze(-1)
        total = out.view(units, UNIT_COUNT)

        def call() -> None:
            total.zero_()
            for values, scale in zip(elements, scales, strict=True):
                total.add_(values.float().mul_(scale))
            _scale(work, total)

        return in_set(work, tensors, call)


class TorchCopyEach(Competitor):
    """One `copy_` for each tensor, as DDP's Reducer does it."""

    name = "torch_copy_each"

    def refusal(self, work: Work, device: torch.device) -> str:
        return _refuse(work)

    def prepare(self, work: Work, tensors: TensorSet) -> Prepared:
        targets, sources = _ends(work, tensors)

        def call() -> None:
            for target, source in zip(targets, sources, strict=True):
                target.copy_(source)
            _scale(work, tensors.flat)

        return in_set(work, tensors, call)

    def launches(self, work: Work) -> int | None:
        return len(work.workload.counts) + work.is_scaled


class DdpBf16Hook(Competitor):
    """The copies of DDP with `bf16_compress_hook`: a bucket of float32 between the tensors and the bfloat16."""

    name = "ddp_bf16_hook"

    def refusal(self, work: Work, device: torch.device) -> str:
        is_its_work = work.direction == Direction.UNPACK or work.is_scaled
        fits = (work.tensor_dtype, work.bucket_dtype) == ("float32", "bfloat16") and is_its_work
        return _refuse(work) or ("" if fits else "the hook is for float32 gradients, bfloat16 traffic and a mean")

    def prepare(self, work: Work, tensors: TensorSet) -> Prepared:
        bucket = torch.empty(len(tensors.flat), device=tensors.flat.device)
        parts = list(bucket.split_with_sizes(work.workload.counts))

        def pack() -> None:
            for part, tensor in zip(parts, tensors.tensors, strict=True):
                part.copy_(tensor)
            tensors.flat.copy_(bucket)
            tensors.flat.div_(1 / work.scale)

        def unpack() -> None:
            bucket.copy_(tensors.flat)
            for part, tensor in zip(parts, tensors.tensors, strict=True):
                tensor.copy_(part)

        return in_set(work, tensors, unpack if work.direction == Direction.UNPACK else pack)

    def launches(self, work: Work) -> int | None:
        return len(work.workload.counts) + (1 if work.direction == Direction.UNPACK else 2)


class TorchChunkCat(Competitor):
    """`torch._chunk_cat`, FSDP2's copy-in: the same types, or bfloat16 to float32 on a GPU."""

    name = "torch_chunk_cat"
    directions = (Direction.PACK,)

    def refusal(self, work: Work, device: torch.device) -> str:
        widens = (work.tensor_dtype, work.bucket_dtype) == ("bfloat16", "float32") and device.type == "cuda"
        dtypes = "" if widens or not work.is_cast else f"no {work.tensor_dtype} to {work.bucket_dtype} in _chunk_cat"
        empty = "" if min(work.workload.counts) else "_chunk_cat takes no empty tensors"
        return _refuse(work) or dtypes or empty

    def prepare(self, work: Work, tensors: TensorSet) -> Prepared:
        out = tensors.flat.view(1, -1)

        def call() -> None:
            torch._chunk_cat(tensors.tensors, dim=0, num_chunks=1, out=out)
            _scale(work, tensors.flat)

        return in_set(work, tensors, call)


class TorchCompile(Competitor):
    """The list in one function under `torch.compile`; what compiling takes is in `prepare_time_us`."""

    name = "torch_compile"

    def __init__(self) -> None:
        self._work: Work | None = None
        self._pack, self._unpack = _pack_all, _unpack_all  # compiled when there is work: that loads the compiler

    def refusal(self, work: Work, device: torch.device) -> str:
        count = len(work.workload.counts)
        many = f"{count} tensors would compile for very long; the most tried here is {_MOST_COMPILED}"
        return _refuse(work) or (many if count > _MOST_COMPILED else "")

    def prepare(self, work: Work, tensors: TensorSet) -> Prepared:
        if work != self._work:
            torch.compiler.reset()  # torch gives up on a function that it has compiled for 8 lists
            self._work = work
            self._pack = torch.compile(_pack_all, dynamic=False)
            self._unpack = torch.compile(_unpack_all, dynamic=False)
        pack, unpack = self._pack, self._unpack
        if work.direction == Direction.UNPACK:
            counts, dtype = list(work.workload.counts), tensors.arena.dtype
            return _newest(tensors, lambda: unpack(tensors.flat, counts, dtype))
        return _newest(tensors, lambda: [pack(tensors.tensors, work.scale, tensors.flat.dtype)])


class TorchCopy(Competitor):
    """`copy_` of one whole tensor: what the device can do."""

    name = "torch_copy"
    directions = (Direction.COPY,)

    def refusal(self, work: Work, device: torch.device) -> str:
        return ""

    def prepare(self, work: Work, tensors: TensorSet) -> Prepared:
        return in_set(work, tensors, lambda: tensors.flat.copy_(tensors.tensors[0]))

    def launches(self, work: Work) -> int | None:
        return 1


def torch_peers() -> tuple[Competitor, ...]:
    """Return all of them, the plain copy first."""
    kinds = (
        *(TorchCopy, TorchCat, TorchFlatten, TorchForeachCopy, TorchForeachAdd, TorchCopyEach, DdpBf16Hook),
        *(TorchChunkCat, TorchDequantizeSum, TorchCompile),
    )
    return tuple(kind() for kind in kinds)


def _pack_all(tensors: Sequence[torch.Tensor], scale: float, dtype: torch.dtype) -> torch.Tensor:
    if scale == 1.0:
        return torch.cat([tensor.to(dtype) for tensor in tensors])
    return torch.cat([(tensor.float() * scale).to(dtype) for tensor in tensors])


def _unpack_all(flat: torch.Tensor, counts: list[int], dtype: torch.dtype) -> list[torch.Tensor]:
    return [part.to(dtype) for part in flat.split_with_sizes(counts)]


def _newest(tensors: TensorSet, make: Callable[[], Sequence[torch.Tensor]]) -> Prepared:
    """Return a call whose results are new tensors each time."""
    newest: list[Sequence[torch.Tensor]] = [[]]

    def call() -> None:
        newest[0] = make()

    return Prepared(call, lambda: newest[0], tensors.flat[:0])


def _ends(work: Work, tensors: TensorSet) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Return what is written and what is read."""
    is_unpack = work.direction == Direction.UNPACK
    return (tensors.tensors, tensors.places) if is_unpack else (tensors.places, tensors.tensors)


def _scale(work: Work, flat: torch.Tensor) -> None:
    if work.is_scaled:
        flat.mul_(work.scale)


def _refuse(work: Work) -> str:
    return _NO_E4M3 if work.bucket_dtype == E4M3 else ""
