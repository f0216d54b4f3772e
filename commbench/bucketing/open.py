"""The door: a bucket for a device, whatever packs it there."""

import torch

from commbench.bucketing.base import FusedBucket
from commbench.bucketing.plan import BucketPlan
from commbench.bucketing.reference import ReferenceBucket
from commbench.errors import UsageError


def open_bucket(plan: BucketPlan, device: torch.device | str, buffer: torch.Tensor | None = None) -> FusedBucket:
    """Return a bucket of that plan: the fused kernel on a CUDA device, torch operations on the CPU.

    `buffer` is the caller's own memory for the bucket (NCCL's pool, for example), zeroed here; by default a new one.

    Raises:
        UsageError: there are no buckets on that kind of device, or the buffer does not fit the plan.
        UnfitError: there is no GPU, CuPy or NVRTC, or the driver is too old for them.
    """
    where = torch.device(device)
    if where.type == "cpu":
        return ReferenceBucket(plan, buffer)
    if where.type == "cuda":
        from commbench.bucketing.cupy_launcher import open_kernel_bucket

        return open_kernel_bucket(plan, where, buffer)
    raise UsageError(f"gradients on {where} cannot be bucketed; there are buckets on cpu and on cuda")
