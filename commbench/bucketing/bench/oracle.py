"""What is right: torch's own operations, one tensor after the other, compared bit by bit."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from commbench.bucketing.bench.sets import START, TensorSet
from commbench.bucketing.bench.work import RANKS, Direction, Work
from commbench.bucketing.checks import torch_dtype
from commbench.bucketing.layout import E4M3, UNIT_COUNT
from commbench.bucketing.reference import quantize

ORACLE = "bit for bit with torch: float32(x) * scale, rounded once"
_BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32}


@dataclass(frozen=True, slots=True)
class Check:
    """How many elements were wrong and where the first one is, counted over all results one after the other."""

    wrong_count: int = 0
    wrong_index: int | None = None


def wanted(work: Work, tensors: TensorSet) -> list[torch.Tensor]:
    """Return what the results must be: tensors, or places in the bucket; of e4m3 the payloads, then the scales."""
    if work.direction == Direction.UNPACK:
        flat = (tensors.flat.float() * work.scale).to(torch_dtype(work.tensor_dtype))
        return list(flat.split_with_sizes(work.workload.counts))
    if work.direction == Direction.UNPACK_ADD:
        flat = (START + tensors.flat.float() * work.scale).to(torch_dtype(work.tensor_dtype))
        return list(flat.split_with_sizes(work.workload.counts))
    if work.direction == Direction.REDUCE:
        return [_sum_of_messages(work, tensors.flat) * work.scale]
    if work.bucket_dtype != E4M3:
        return [(torch.cat(tensors.tensors).float() * work.scale).to(torch_dtype(work.bucket_dtype))]
    payloads, scales = [], []
    for tensor in tensors.tensors:
        padding = -tensor.numel() % UNIT_COUNT
        values, blocks = quantize(torch.nn.functional.pad(tensor.float() * work.scale, (0, padding)))
        payloads.append(values.view(-1)[: tensor.numel()])
        scales.append(blocks)
    return [*payloads, *scales]


def _sum_of_messages(work: Work, received: torch.Tensor) -> torch.Tensor:
    """Return the float32 sum in rank order: of every message its elements times the scales of their blocks."""
    total = torch.zeros(work.plan.shard_units, UNIT_COUNT, device=received.device)
    for message in received.view(RANKS, -1):
        elements, scales = message.split_with_sizes([total.numel(), len(message) - total.numel()])
        total += elements.view(torch.float8_e4m3fn).float().view_as(total) * scales.view(torch.float32)[:, None]
    return total.view(-1)


def compare(results: Sequence[torch.Tensor], right: Sequence[torch.Tensor]) -> Check:
    """Return what differs, bit by bit; results that are missing, too many or of another dtype are all wrong."""
    place, count, first = 0, 0, None
    for got, want in zip(_joined(results), _joined(right), strict=False):
        elements = max(got.numel(), want.numel())
        if got.dtype != want.dtype or got.numel() != want.numel():
            count, first = count + elements, place if first is None else first
        else:
            bits = _BITS[got.dtype.itemsize]
            different = torch.nonzero(got.view(bits) != want.view(bits))
            if len(different) and first is None:
                first = place + int(different[0])
            count += len(different)
        place += elements
    if len(_joined(results)) != len(_joined(right)):
        count, first = max(1, count), first or 0
    return Check(count, first)


def _joined(tensors: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Return one tensor for each element type, in the order in which they appear: few operations for many tensors."""
    dtypes = dict.fromkeys(tensor.dtype for tensor in tensors)
    return [torch.cat([each.reshape(-1) for each in tensors if each.dtype == dtype]) for dtype in dtypes]
