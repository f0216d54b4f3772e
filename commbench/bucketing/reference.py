"""A bucket packed by plain torch operations on the CPU: what gloo ranks use and the kernel equals bit by bit."""

from collections.abc import Sequence

import torch

from commbench.bucketing.base import FusedBucket, PackStats
from commbench.bucketing.checks import TensorChecks, check_reduce, check_scale, make_buffer, torch_dtype
from commbench.bucketing.layout import E4M3, E4M3_MAX, SMALLEST_AMAX, UNIT_COUNT
from commbench.bucketing.plan import BucketPlan
from commbench.errors import UsageError

# The largest float32 that each bucket type rounds to something finite: IEEE 754 round to nearest even.
LARGEST_FINITE = {
    "float32": float.fromhex("0x1.fffffep+127"),
    "bfloat16": float.fromhex("0x1.fefffep+127"),
    "float16": float.fromhex("0x1.ffdffep+15"),
    E4M3: float.fromhex("0x1.fffffep+127"),  # its block's scale takes any finite value
}


class ReferenceBucket(FusedBucket):
    """A bucket in host memory, with a float32 copy of it to compute in."""

    def __init__(self, plan: BucketPlan, buffer: torch.Tensor | None = None) -> None:
        self.plan = plan
        self.device = torch.device("cpu")
        self.buffer = make_buffer(plan, self.device, buffer)
        self._checks = TensorChecks(plan, self.buffer)
        self._values = torch.zeros(plan.bucket_count)
        self._places = [
            self._values[start : start + count]
            for start, count in zip(plan.starts.tolist(), plan.counts.tolist(), strict=True)
        ]
        self._one = torch.ones(1)
        self._stats: PackStats | None = None

    @torch.no_grad()
    def pack(
        self, tensors: Sequence[torch.Tensor | None], scale: torch.Tensor | None = None, *, stats: bool = False
    ) -> None:
        torch._foreach_copy_(self._places, self._flat(tensors))
        self._values.mul_(self._scale(scale))
        self._stats = _stats(self._values, LARGEST_FINITE[self.plan.bucket_dtype]) if stats else None
        if self.plan.bucket_dtype == E4M3:
            payload, scales = self._messages(self.buffer)
            quantized, block_scales = quantize(self._values)
            payload.copy_(quantized.view(payload.shape).view(torch.uint8))
            scales.copy_(block_scales.view(scales.shape))
        else:
            self.buffer.copy_(self._values)

    @torch.no_grad()
    def unpack(
        self,
        tensors: Sequence[torch.Tensor | None],
        scale: torch.Tensor | None = None,
        *,
        accumulate: bool = False,
    ) -> None:
        targets = self._flat(tensors)
        factor = self._scale(scale)
        if self.plan.bucket_dtype == E4M3:
            payload, scales = self._messages(self.buffer)
            values = payload.view(torch_dtype(E4M3)).float().view(-1, UNIT_COUNT)
            torch.mul(values, (scales.reshape(-1, 1) * factor), out=self._values.view(-1, UNIT_COUNT))
        else:
            torch.mul(self.buffer.float(), factor, out=self._values)
        if accumulate:
            for place, target in zip(self._places, targets, strict=True):
                place.add_(target.float())
        torch._foreach_copy_(targets, self._places)

    @torch.no_grad()
    def reduce(self, received: torch.Tensor, out: torch.Tensor, scale: torch.Tensor | None = None) -> None:
        check_reduce(self.plan, received, out, self.device)
        payload, scales = self._messages(received)
        blocks = out.view(-1, UNIT_COUNT).zero_()
        for shard in range(self.plan.shards):
            values = payload[shard].view(torch_dtype(E4M3)).float().view(-1, UNIT_COUNT)
            blocks.add_(values.mul_(scales[shard].reshape(-1, 1)))
        out.mul_(self._scale(scale))

    def stats(self) -> PackStats:
        if self._stats is None:
            raise UsageError("no statistics here: the last pack was not called with stats=True")
        return self._stats

    def _flat(self, tensors: Sequence[torch.Tensor | None]) -> list[torch.Tensor]:
        pointers = self._checks.pointers(tensors)
        self._checks.outside_the_buffer(pointers)
        return [tensor.view(-1) for tensor in tensors if tensor is not None]

    def _scale(self, scale: torch.Tensor | None) -> torch.Tensor:
        if scale is None:
            return self._one
        check_scale(scale, self.device)
        return scale.view(1)

    def _messages(self, data: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return views of the payload (shards, shard_count), uint8, and of the scales (shards, units), float32."""
        messages = data.view(self.plan.shards, self.plan.message_bytes)
        scales = messages.view(torch.float32)[:, self.plan.shard_count // 4 :]
        return messages[:, : self.plan.shard_count], scales


def quantize(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return e4m3 values and the float32 scale of each 128 of them; a value is about its e4m3 times its scale.

    A block of zeros has the scale 0, as padding has. 448 / amax is one division rounded once: `448.0 / amax` would be
    a reciprocal and a product in torch.
    """
    blocks = values.view(-1, UNIT_COUNT)
    largest = blocks.abs().amax(dim=1, keepdim=True)
    amax = largest.clamp_min(SMALLEST_AMAX)
    inverse = torch.div(torch.tensor(E4M3_MAX), amax)
    scales = (amax * (1 / E4M3_MAX)).masked_fill_(largest == 0, 0.0)
    return (blocks * inverse).to(torch_dtype(E4M3)), scales.view(-1)


def _stats(values: torch.Tensor, largest: float) -> PackStats:
    sizes = values.abs()
    return PackStats(
        nonfinite_count=int(torch.count_nonzero(~(sizes <= largest))),
        amax=float(sizes.max()),
        sum_of_squares=float(values.double().square().sum()),
    )
