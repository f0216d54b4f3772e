"""What every implementation of a bucket promises, on any device; a broken promise is an AssertionError."""

from collections.abc import Callable

import torch

from commbench.bucketing.base import FusedBucket
from commbench.bucketing.plan import BucketPlan

from . import oracle
from .cases import Case

MakeBucket = Callable[[BucketPlan], FusedBucket]
BUCKET_DTYPES = ("float32", "bfloat16", "float16", "float8_e4m3fn")
NORM_TOLERANCE = 1e-6  # relative: sums of squares may be added in any fixed order


def scale_of(case: Case, device: torch.device) -> torch.Tensor | None:
    return None if case.scale is None else torch.tensor([case.scale], device=device)


def packs_what_torch_would(make: MakeBucket, case: Case, bucket_dtype: str, *, stats: bool) -> None:
    """Check the whole buffer, padding included, against torch, and again with other tensors: nothing is left over."""
    plan = case.plan(bucket_dtype)
    bucket = make(plan)
    for seed in (3, 1):
        tensors = case.tensors(seed, bucket.device)
        bucket.pack(tensors, scale_of(case, bucket.device), stats=stats)
        if bucket_dtype == "float8_e4m3fn":
            _check_messages(plan, bucket.buffer.cpu(), [each.cpu() for each in tensors], case.scale)
        else:
            _check_elements(plan, bucket.buffer, tensors, case.scale)
        if stats:
            _check_stats(bucket, [oracle.scaled(each, case.scale) for each in tensors])


def sees_the_same_in_the_same(make: MakeBucket, case: Case, bucket_dtype: str) -> None:
    """Check that what a pack says of its values is the same to the last bit each time, whatever came between."""
    bucket = make(case.plan(bucket_dtype))
    seen = []
    for seed in (1, 2, 1):
        bucket.pack(case.tensors(seed, bucket.device), stats=True)
        seen.append(bucket.stats())
    assert seen[0] == seen[2] != seen[1]


def unpacks_what_torch_would(make: MakeBucket, case: Case, bucket_dtype: str, *, accumulate: bool) -> None:
    """Check every tensor after a pack of others and an unpack into these."""
    plan = case.plan(bucket_dtype)
    bucket = make(plan)
    bucket.pack(case.tensors(seed=1, device=bucket.device))
    targets = case.tensors(seed=2, device=bucket.device)
    before = [each.clone() for each in targets]
    bucket.unpack(targets, scale_of(case, bucket.device), accumulate=accumulate)
    values = _values(plan, bucket.buffer, case.scale)
    for index, (target, old, start) in enumerate(zip(targets, before, plan.starts.tolist(), strict=True)):
        wanted = values[start : start + target.numel()]
        if accumulate:
            wanted = wanted + old.float()
        assert oracle.same_bits(target, wanted.to(target.dtype)), f"tensor {index} of {target.numel()} {target.dtype}"


def decodes_every_pattern(make: MakeBucket, bucket_dtype: str) -> None:
    """Check all bit patterns of a narrow type in the bucket against torch."""
    dtype = getattr(torch, bucket_dtype)
    patterns = torch.arange(2 ** (8 * dtype.itemsize))
    narrow = patterns.to(torch.uint8 if dtype.itemsize == 1 else torch.uint16).view(dtype)
    bucket = make(Case("patterns", (len(narrow),), ("float32",)).plan(bucket_dtype))
    data = narrow
    if bucket_dtype == "float8_e4m3fn":
        scales = torch.ones(bucket.plan.shard_units)
        data = torch.zeros(bucket.plan.shard_count, dtype=torch.uint8)
        data[: len(narrow)] = narrow.view(torch.uint8)
        data = torch.cat([data, scales.view(torch.uint8)])
    bucket.buffer.copy_(data)
    target = torch.zeros(len(narrow), device=bucket.device)
    bucket.unpack([target])
    assert oracle.same_bits(target.cpu(), narrow.float())


def reduces_in_rank_order(make: MakeBucket, shards: int, count: int) -> None:
    """Check the sum of every rank's message for one rank against a loop in torch."""
    case = Case("ranks", (count,), ("float32",), shards=shards, scale=0.25)
    plan = case.plan("float8_e4m3fn")
    bucket = make(plan)
    messages = []
    for rank in range(shards):
        tensor = torch.randn(count, generator=torch.Generator().manual_seed(rank))
        messages.append(oracle.message_bytes(plan, [tensor], None)[: plan.message_bytes])
    received = torch.cat(messages).to(bucket.device)
    out = torch.full((plan.shard_count,), float("nan"), device=bucket.device)
    bucket.reduce(received, out, scale_of(case, bucket.device))
    wanted = torch.zeros(plan.shard_count)
    for message in messages:
        e4m3 = message[: plan.shard_count].view(torch.float8_e4m3fn).float()
        wanted += e4m3 * message[plan.shard_count :].view(torch.float32).repeat_interleave(128)
    assert oracle.same_bits(out.cpu(), wanted * 0.25)


def _check_elements(plan: BucketPlan, buffer: torch.Tensor, tensors: list[torch.Tensor], scale: float | None) -> None:
    wanted = torch.zeros_like(buffer)
    for tensor, start in zip(tensors, plan.starts.tolist(), strict=True):
        wanted[start : start + tensor.numel()] = oracle.scaled(tensor, scale).to(buffer.dtype)
    assert oracle.same_bits(buffer, wanted), f"{_first_difference(buffer, wanted)} of {plan.starts.tolist()[:20]}"


def _check_messages(plan: BucketPlan, buffer: torch.Tensor, tensors: list[torch.Tensor], scale: float | None) -> None:
    wanted = oracle.message_bytes(plan, tensors, scale).view(plan.shards, -1)
    got = buffer.view(plan.shards, -1)
    for dtype, columns in (
        (torch.float8_e4m3fn, slice(0, plan.shard_count)),
        (torch.float32, slice(plan.shard_count, None)),
    ):
        left, right = (each[:, columns].contiguous().view(dtype).view(-1) for each in (got, wanted))
        assert oracle.same_bits(left, right), f"{dtype}: {_first_difference(left, right)}"


def _check_stats(bucket: FusedBucket, values: list[torch.Tensor]) -> None:
    flat = torch.cat(values).cpu()
    found, sizes = bucket.stats(), flat.abs()
    too_large = sizes.view(torch.int32) > oracle.LARGEST_BITS[bucket.plan.bucket_dtype]
    assert found.nonfinite_count == int(too_large.sum())
    amax = torch.tensor(found.amax)
    assert oracle.same_bits(amax, sizes.max() if len(flat) else torch.tensor(0.0))
    wanted = torch.tensor(found.sum_of_squares, dtype=torch.float64)
    exact = flat.double().square().sum()
    if exact < 1e30:  # squares are taken in float32: larger ones may be infinite, smaller ones than 1e-30 inexact
        assert torch.isclose(wanted, exact, rtol=NORM_TOLERANCE, atol=1e-30), f"{wanted} is not {exact}"


def _values(plan: BucketPlan, buffer: torch.Tensor, scale: float | None) -> torch.Tensor:
    factor = torch.tensor(1.0 if scale is None else scale, device=buffer.device)
    if plan.bucket_dtype != "float8_e4m3fn":
        return buffer.float() * factor
    rows = buffer.view(plan.shards, -1)
    payload = rows[:, : plan.shard_count].contiguous().view(torch.float8_e4m3fn).float().view(-1)
    scales = rows[:, plan.shard_count :].contiguous().view(torch.float32).view(-1)
    return payload * (scales * factor).repeat_interleave(128)


def _first_difference(one: torch.Tensor, other: torch.Tensor) -> str:
    different = torch.nonzero(~((one.float() == other.float()) | (one.float().isnan() & other.float().isnan())))
    if not len(different):
        return "a sign of zero differs"
    index = int(different[0])
    return f"element {index} is {one[index]}, wanted {other[index]}"
