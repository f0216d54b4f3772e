"""A communication hook for DistributedDataParallel that reduces its buckets through the fused kernel.

state = FusedBucketState("bfloat16")
model.register_comm_hook(state, fused_bucket_hook)
"""

import torch
import torch.distributed as dist
from torch._C._distributed_c10d import GradBucket  # torch.distributed has it too, but hides it from mypy

from commbench.bucketing.calls import GroupCalls
from commbench.bucketing.exchange import BucketExchange
from commbench.bucketing.layout import BUCKET_SIZES, E4M3
from commbench.errors import UsageError

_Key = tuple[int, str, str, tuple[int, ...]]


class FusedBucketState:
    """What the hook keeps from step to step: one exchange for each of DDP's buckets.

    `bucket_dtype` is what travels: float32, bfloat16, float16 or float8_e4m3fn.

    Raises:
        UsageError: it is none of these.
    """

    def __init__(self, bucket_dtype: str = "bfloat16", group: dist.ProcessGroup | None = None) -> None:
        if bucket_dtype not in BUCKET_SIZES:
            raise UsageError(f"gradients cannot travel as {bucket_dtype}; choose one of {', '.join(BUCKET_SIZES)}")
        self.bucket_dtype = bucket_dtype
        self._group = group
        self._exchanges: dict[_Key, BucketExchange] = {}
        self._streams: dict[torch.device, torch.cuda.Stream] = {}

    def gradients_of(self, bucket: GradBucket) -> list[torch.Tensor]:
        """Return what is packed: DDP's buffer as one aligned tensor; for e4m3 each gradient, so that none share scales.

        Gradients are flat views: one with strides of its own, as channels_last leaves it, is dense in DDP's buffer.
        """
        buffer = bucket.buffer()
        if self.bucket_dtype != E4M3:
            return [buffer]
        parts, start = [], 0
        for gradient in bucket.gradients():
            parts.append(buffer[start : start + gradient.numel()])
            start += gradient.numel()
        return parts

    def exchange_for(self, bucket: GradBucket, gradients: list[torch.Tensor]) -> BucketExchange:
        """Return the bucket's exchange, made anew when DDP has rebuilt its buckets, as after the first step."""
        buffer, counts = bucket.buffer(), tuple(each.numel() for each in gradients)
        dtype = str(buffer.dtype).removeprefix("torch.")
        key = (bucket.index(), dtype, str(buffer.device), counts)
        if key not in self._exchanges:
            for old in [each for each in self._exchanges if each[0] == bucket.index()]:
                del self._exchanges[old]
            group = self._group or dist.distributed_c10d._get_default_group()
            self._exchanges[key] = BucketExchange(
                counts,
                self.bucket_dtype,
                dist.get_world_size(group),
                GroupCalls(group),
                buffer.device,
                gradient_dtype=dtype,
                is_mean=True,
            )
        return self._exchanges[key]

    def stream_on(self, device: torch.device) -> torch.cuda.Stream:
        """Return the stream beside backward's on which buckets are reduced."""
        if device not in self._streams:
            self._streams[device] = torch.cuda.Stream(device)  # type: ignore[no-untyped-call] # torch
        return self._streams[device]


def fused_bucket_hook(state: FusedBucketState, bucket: GradBucket) -> torch.futures.Future[torch.Tensor]:
    """Reduce one of DDP's buckets to the mean over ranks, in place; register it with `register_comm_hook`.

    On CUDA all of it is issued to a stream of its own beside backward; on the CPU it is done when this returns. Calls
    are made in the order in which DDP offers its buckets, the same on all ranks.

    Raises:
        UsageError: the gradients are of a type that cannot be bucketed.
        UnfitError: the GPU, its driver or CuPy cannot run the kernel.
    """
    buffer = bucket.buffer()
    if buffer.device.type == "cpu":
        _reduce(state, bucket)
        done: torch.futures.Future[torch.Tensor] = torch.futures.Future()
        done.set_result(buffer)
        return done
    stream = state.stream_on(buffer.device)
    stream.wait_stream(torch.cuda.current_stream(buffer.device))
    with torch.cuda.stream(stream):
        _reduce(state, bucket)
        buffer.record_stream(stream)
        done = torch.futures.Future(devices=[buffer.device])  # whoever waits for it waits for the stream
        done.set_result(buffer)
    return done


def _reduce(state: FusedBucketState, bucket: GradBucket) -> None:
    gradients = state.gradients_of(bucket)
    exchange = state.exchange_for(bucket, gradients)
    exchange.pack(gradients)
    exchange.all_reduce()
    exchange.unpack(gradients)
