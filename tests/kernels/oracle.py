"""What a bucket must hold, tensor by tensor, in torch's own words; shares no code with commbench's CPU path."""

import torch

from commbench.bucketing.plan import BucketPlan

_BITS = {1: torch.uint8, 2: torch.int16, 4: torch.int32}
LARGEST_BITS = {"float32": 0x7F7FFFFF, "bfloat16": 0x7F7F7FFF, "float16": 0x477FEFFF, "float8_e4m3fn": 0x7F7FFFFF}


def same_bits(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Say whether both hold the same bits; NaNs equal each other, as cvt and torch write different ones."""
    if one.numel() != other.numel():
        return False
    nan, bits = one.float().isnan(), _BITS[one.element_size()]
    zero = torch.zeros((), dtype=bits, device=one.device)
    left, right = (torch.where(nan, zero, each.contiguous().view(bits)) for each in (one, other))
    return bool((nan == other.float().isnan()).all()) and torch.equal(left, right)


def scaled(tensor: torch.Tensor, scale: float | None) -> torch.Tensor:
    return tensor.float() * torch.tensor(1.0 if scale is None else scale, device=tensor.device)


def quantized(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the e4m3 values and scales of one tensor, padded to whole blocks of 128."""
    padded = torch.zeros(-(-values.numel() // 128) * 128, device=values.device)
    padded[: values.numel()] = values
    blocks = padded.view(-1, 128)
    largest = blocks.abs().amax(1)
    amax = torch.where(largest < 1e-30, torch.full_like(largest, 1e-30), largest)
    inverse = torch.div(torch.full_like(amax, 448.0), amax)
    e4m3 = (blocks * inverse[:, None]).to(torch.float8_e4m3fn).view(-1)
    scales = amax * torch.tensor(1 / 448.0, device=values.device)
    return e4m3, torch.where(largest == 0, torch.zeros_like(scales), scales)


def message_bytes(plan: BucketPlan, tensors: list[torch.Tensor], scale: float | None) -> torch.Tensor:
    """Return an e4m3 bucket's bytes, message after message, for tensors on the CPU."""
    payload = torch.zeros(plan.bucket_count, dtype=torch.uint8)
    scales = torch.zeros(plan.bucket_count // 128)
    for tensor, start in zip(tensors, plan.starts.tolist(), strict=True):
        e4m3, own = quantized(scaled(tensor, scale))
        payload[start : start + e4m3.numel()] = e4m3.view(torch.uint8)
        scales[start // 128 : start // 128 + own.numel()] = own
    rows = (payload.view(plan.shards, -1), scales.view(plan.shards, -1).view(torch.uint8))
    return torch.cat(rows, dim=1).view(-1)
