"""One bucket of gradients reduced over all ranks: what lies between packing and unpacking, for every bucket type."""

from collections.abc import Sequence

import torch

from commbench.bucketing.calls import GroupCalls
from commbench.bucketing.layout import E4M3
from commbench.bucketing.open import open_bucket
from commbench.bucketing.plan import BucketPlan, plan_bucket


class BucketExchange:
    """A list of gradients that is packed, summed over ranks and unpacked, with everything allocated beforehand.

    float32, bfloat16 and float16 buckets are summed by the library. e4m3 buckets cannot be, as the ranks' scales
    differ: an all_to_all brings every rank its part of all buckets, the rank sums it in float32, and for an all-reduce
    packs it anew for an all_gather. Source: docs/kernel.md. `is_mean` divides by the number of ranks on the way: in
    float32 and before the one rounding.

    On CUDA every step is issued to the current stream, and none of them waits.
    """

    def __init__(
        self,
        counts: Sequence[int],
        bucket_dtype: str,
        world_size: int,
        calls: GroupCalls,
        device: torch.device,
        *,
        gradient_dtype: str = "float32",
        is_mean: bool = False,
    ) -> None:
        """Plan the bucket and allocate it; `counts` are the elements of each gradient.

        Raises:
            UsageError: the gradients or the bucket are of a type that cannot be bucketed.
            UnfitError: the device cannot run the kernel.
        """
        self.device = device
        self._calls = calls
        self._is_e4m3 = bucket_dtype == E4M3
        self.plan = plan_bucket(counts, [gradient_dtype] * len(counts), bucket_dtype, shards=world_size)
        self._bucket = open_bucket(self.plan, device)
        self._shard = open_bucket(plan_bucket([self.plan.shard_count], ["float32"], bucket_dtype), device)
        scale = torch.full((1,), 1 / world_size, device=device) if is_mean else None
        self._pack_scale = None if self._is_e4m3 else scale
        self._sum_scale = scale if self._is_e4m3 else None
        if self._is_e4m3:
            self._received = torch.empty_like(self._bucket.buffer)
            self._sums = torch.empty(self.plan.shard_count, device=device)

    def pack(self, gradients: Sequence[torch.Tensor | None]) -> None:
        """Write the gradients to the bucket.

        Raises:
            UsageError: they are not the planned ones.
        """
        self._bucket.pack(gradients, self._pack_scale)

    def all_reduce(self) -> None:
        """Leave the sum over all ranks in every rank's bucket."""
        if not self._is_e4m3:
            self._calls.all_reduce(self._bucket.buffer)
            return
        self._calls.all_to_all_single(self._received, self._bucket.buffer)
        self._bucket.reduce(self._received, self._sums, self._sum_scale)
        self._shard.pack([self._sums])
        self._calls.all_gather_single(self._bucket.buffer, self._shard.buffer)

    def reduce_scatter(self) -> None:
        """Leave each rank with what the sum of its own part of the bucket takes."""
        if self._is_e4m3:
            self._calls.all_to_all_single(self._received, self._bucket.buffer)
        else:
            self._calls.reduce_scatter_single(self._shard.buffer, self._bucket.buffer)

    def unpack(self, gradients: Sequence[torch.Tensor | None]) -> None:
        """Write the bucket to the gradients, after an `all_reduce`.

        Raises:
            UsageError: they are not the planned ones.
        """
        self._bucket.unpack(gradients)

    def unpack_shard(self, out: torch.Tensor) -> None:
        """Write this rank's part of the sum to float32 (plan.shard_count,), after a `reduce_scatter`.

        Raises:
            UsageError: `out` is not of that shape.
        """
        if self._is_e4m3:
            self._bucket.reduce(self._received, out, self._sum_scale)
        else:
            self._shard.unpack([out])


def elements_by_rank(plan: BucketPlan) -> tuple[int, ...]:
    """Return how many elements of gradients, padding apart, lie in each rank's part of a bucket."""
    return tuple(sum(end - start for _, start, end in parts_of_shard(plan, rank)) for rank in range(plan.shards))


def parts_of_shard(plan: BucketPlan, rank: int) -> list[tuple[int, int, int]]:
    """Return the gradients in a rank's part of a bucket: (gradient, start, end), places in that part."""
    first, last = rank * plan.shard_count, (rank + 1) * plan.shard_count
    parts = []
    for index, (start, count) in enumerate(zip(plan.starts.tolist(), plan.counts.tolist(), strict=True)):
        begin, end = max(start, first), min(start + count, last)
        if begin < end:
            parts.append((index, begin - first, end - first))
    return parts
