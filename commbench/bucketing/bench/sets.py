"""Distinct sets of tensors to rotate over, so that none is in a cache when its turn comes."""

from dataclasses import dataclass

import torch

from commbench.bucketing.bench.work import RANKS, Direction, Work
from commbench.bucketing.checks import torch_dtype
from commbench.bucketing.reference import quantize

COLD_BYTES = 512 * 2**20  # of distinct memory between two uses of a set: 8 times the L2 cache of an H200 (60 MB)
FEWEST_SETS = 2
ALIGNMENT_BYTES = 512  # of torch's CUDA allocator: what gradients really start on
START = 1.0  # what the tensors hold before a bucket is added to them, where the sum is checked
_SPREAD = 1e-3  # of the random values: about that of gradients


@dataclass(frozen=True, slots=True)
class TensorSet:
    """One set of gradients and a dense bucket for them: `flat` is 1-D, `places` are its parts, one for each tensor.

    `arena` is the memory of all gradients. Of a reduce `flat` is the messages of all ranks, bytes, and the only tensor
    their sum.
    """

    arena: torch.Tensor
    tensors: list[torch.Tensor]
    flat: torch.Tensor
    places: list[torch.Tensor]


def sets_needed(work: Work, cold_bytes: int = COLD_BYTES) -> int:
    """Return how many distinct sets together move so many bytes."""
    return max(FEWEST_SETS, -(-cold_bytes // max(1, work.moved_bytes)))


def make_sets(work: Work, device: torch.device, sets: int, seed: int = 0) -> list[TensorSet]:
    """Return sets of random gradients and random buckets, each in memory of its own."""
    generator = torch.Generator(device).manual_seed(seed)
    return [_make_set(work, device, generator) for _ in range(sets)]


def _make_set(work: Work, device: torch.device, generator: torch.Generator) -> TensorSet:
    if work.direction == Direction.REDUCE:
        return _make_messages(work, device, generator)
    dtype, counts = torch_dtype(work.tensor_dtype), work.workload.counts
    step = ALIGNMENT_BYTES // dtype.itemsize
    padded = [-(-count // step) * step for count in counts]
    arena = _random(sum(padded), dtype, device, generator)
    tensors = [part[:count] for part, count in zip(arena.split_with_sizes(padded), counts, strict=True)]
    flat = _random(work.workload.count, torch_dtype(work.bucket_dtype), device, generator)
    return TensorSet(arena, tensors, flat, list(flat.split_with_sizes(counts)))


def _make_messages(work: Work, device: torch.device, generator: torch.Generator) -> TensorSet:
    plan = work.plan
    values, scales = quantize(_random(RANKS * plan.shard_count, torch.float32, device, generator))
    parts = [values.view(torch.uint8).view(RANKS, -1), scales.view(torch.uint8).view(RANKS, -1)]
    received = torch.cat(parts, dim=1).view(-1)
    out = torch.empty(plan.shard_count, device=device)
    return TensorSet(out, [out], received, [received])


def poison(memory: torch.Tensor, work: Work) -> None:
    """Fill memory with NaN of every element type, all bits one; with `START` what is added to."""
    if work.direction == Direction.UNPACK_ADD:
        memory.fill_(START)
    else:
        memory.view(torch.uint8).fill_(0xFF)


def _random(count: int, dtype: torch.dtype, device: torch.device, generator: torch.Generator) -> torch.Tensor:
    """Return random values, never zeros: memory that compresses, or pages that are all the same, would be quicker."""
    wide = dtype if dtype.itemsize > 1 else torch.bfloat16  # torch draws no 8-bit floats
    return torch.empty(count, dtype=wide, device=device).normal_(0.0, _SPREAD, generator=generator).to(dtype)
