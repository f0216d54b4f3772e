"""The fused bucket in the harness: the kernel on a GPU, torch operations on the CPU."""

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
import torch

from commbench.bucketing.base import FusedBucket
from commbench.bucketing.bench.competitor import OURS, Competitor, Prepared, in_set
from commbench.bucketing.bench.sets import TensorSet
from commbench.bucketing.bench.work import RANKS, Direction, Work
from commbench.bucketing.build import KernelBuild
from commbench.bucketing.kernel_bucket import KernelBucket, Launcher
from commbench.bucketing.layout import E4M3, UNIT_COUNT
from commbench.bucketing.open import open_bucket
from commbench.bucketing.plan import BucketPlan, plan_bucket


class Ours(Competitor):
    """`FusedBucket`; a build or a tile size of its own is for the tuning sweep and needs a GPU."""

    name = OURS
    directions = tuple(Direction)

    def __init__(self, build: KernelBuild | None = None, tile_count: int | None = None) -> None:
        self._build = build
        self._tile_count = tile_count
        self._plans: dict[Work, BucketPlan] = {}
        self._launchers: dict[torch.device, Launcher] = {}

    @property
    def tuning(self) -> Mapping[str, int | bool]:
        tile = {} if self._tile_count is None else {"tile_count": self._tile_count}
        return tile if self._build is None else {**tile, **asdict(self._build)}

    def refusal(self, work: Work, device: torch.device) -> str:
        if device.type != "cuda" and self.tuning:
            return "a build of the kernel is for a GPU; on the CPU there is only the reference"
        return ""

    def prepare(self, work: Work, tensors: TensorSet) -> Prepared:
        device = tensors.flat.device
        bucket = self._open(self._plan(work), device)
        scale = torch.tensor([work.scale], device=device) if work.is_scaled else None
        if work.direction in {Direction.UNPACK, Direction.UNPACK_ADD}:
            adds = work.direction == Direction.UNPACK_ADD
            torch._foreach_copy_(_places(bucket), tensors.places)
            return in_set(work, tensors, lambda: bucket.unpack(tensors.tensors, scale, accumulate=adds))
        if work.direction == Direction.REDUCE:
            return in_set(work, tensors, lambda: bucket.reduce(tensors.flat, tensors.tensors[0], scale))
        results = _messages if work.bucket_dtype == E4M3 else _places
        return Prepared(lambda: bucket.pack(tensors.tensors, scale), lambda: results(bucket), bucket.buffer)

    def launches(self, work: Work) -> int | None:
        return 1

    def _plan(self, work: Work) -> BucketPlan:
        if work not in self._plans:
            counts = work.workload.counts
            dtypes = [work.tensor_dtype] * len(counts)
            shards = RANKS if work.direction == Direction.REDUCE else 1
            self._plans[work] = plan_bucket(
                counts, dtypes, work.bucket_dtype, shards=shards, tile_count=self._tile_count
            )
        return self._plans[work]

    def _open(self, plan: BucketPlan, device: torch.device) -> FusedBucket:
        if device.type != "cuda":
            return open_bucket(plan, device)
        from commbench.bucketing.cupy_launcher import CupyLauncher

        # One launcher for all sets: the compiled kernels are loaded once, as in a training job.
        if device not in self._launchers:
            self._launchers[device] = CupyLauncher(device, self._build)
        return KernelBucket(plan, device, self._launchers[device])


def _places(bucket: FusedBucket) -> list[torch.Tensor]:
    plan = bucket.plan
    return [
        bucket.buffer[start : start + count]
        for start, count in zip(plan.starts.tolist(), plan.counts.tolist(), strict=True)
    ]


def _messages(bucket: FusedBucket) -> list[torch.Tensor]:
    """Return the payload of every tensor, then its scales, of a bucket of one e4m3 message."""
    plan = bucket.plan
    payload = bucket.buffer[: plan.shard_count].view(torch.float8_e4m3fn)
    scales = bucket.buffer[plan.shard_count :].view(torch.float32)
    units = np.stack([plan.starts // UNIT_COUNT, -(-(plan.starts + plan.counts) // UNIT_COUNT)], axis=1).tolist()
    pairs = zip(plan.starts.tolist(), plan.counts.tolist(), strict=True)
    return [*(payload[start : start + count] for start, count in pairs), *(scales[a:b] for a, b in units)]
