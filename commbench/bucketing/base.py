"""The interface of a bucket, whatever packs it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from commbench.bucketing.plan import BucketPlan


@dataclass(frozen=True, slots=True)
class PackStats:
    """What one pack saw of its scaled values, in float32 and before the cast to the bucket's type.

    `nonfinite_count` counts values that are not finite or would not be after the cast; `amax` is the largest absolute
    value, NaN if there is a NaN. The kernel squares in float32: values beyond 1e19 make an infinite sum, values below
    1e-19 nothing.
    """

    nonfinite_count: int
    amax: float
    sum_of_squares: float


class FusedBucket(ABC):
    """One bucket of gradients on one device; used on one stream at a time.

    `buffer` is what collectives carry: 1-D `plan.buffer_dtype`, `plan.buffer_bytes` long, laid out as `BucketPlan` says
    and zero where nothing is packed. A `scale` is a tensor of one float32 on the bucket's device, or None for 1: it is
    read by the device at every call, so that it may change under a CUDA graph.

    All three methods return without waiting for the device.
    """

    plan: BucketPlan
    device: torch.device
    buffer: torch.Tensor

    @abstractmethod
    def pack(
        self, tensors: Sequence[torch.Tensor | None], scale: torch.Tensor | None = None, *, stats: bool = False
    ) -> None:
        """Write every tensor times the scale, in float32 and rounded once, to its place in the buffer.

        Raises:
            UsageError: the tensors are not those of the plan: freed, other numbers of elements, dtypes or devices,
                not contiguous, or in the buffer's own memory.
        """

    @abstractmethod
    def unpack(
        self,
        tensors: Sequence[torch.Tensor | None],
        scale: torch.Tensor | None = None,
        *,
        accumulate: bool = False,
    ) -> None:
        """Write the buffer times the scale back to the tensors, or add it to them in float32, and round once.

        Raises:
            UsageError: as for `pack`.
        """

    @abstractmethod
    def reduce(self, received: torch.Tensor, out: torch.Tensor, scale: torch.Tensor | None = None) -> None:
        """Sum the messages of all shards' ranks in float32, in rank order, times the scale, after an all_to_all.

        `received` is uint8 of `plan.buffer_bytes`, one e4m3 message from each rank; `out` is float32 of
        `plan.shard_count`.

        Raises:
            UsageError: the bucket is not e4m3, or a tensor is not of that shape.
        """

    @abstractmethod
    def stats(self) -> PackStats:
        """Wait for the last `pack(..., stats=True)` and return what it saw.

        Raises:
            UsageError: there was none.
        """
