"""Refuse tensors that are not what a bucket was planned for, before any of their memory is touched."""

from collections.abc import Sequence
from operator import attrgetter

import numpy as np
import torch

from commbench.bucketing.layout import E4M3
from commbench.bucketing.plan import BucketPlan
from commbench.errors import UsageError

VECTOR_BYTES = 16  # the kernel's widest store: what a buffer must start on
_DTYPE = attrgetter("dtype")


class TensorChecks:
    """The checks of one bucket's tensor lists; four quick passes when all is well, one slow one to say what is not."""

    def __init__(self, plan: BucketPlan, buffer: torch.Tensor) -> None:
        self._device = buffer.device
        self._counts = plan.counts.tolist()
        self._count_of_bytes = plan.counts * [torch_dtype(each).itemsize for each in plan.dtypes]
        self._dtypes = [torch_dtype(each) for each in plan.dtypes]
        self._places = [buffer.get_device()] * len(self._counts)
        self._buffer_begin = buffer.data_ptr()
        self._buffer_end = self._buffer_begin + plan.buffer_bytes

    def pointers(self, tensors: Sequence[torch.Tensor | None]) -> list[int]:
        """Return the address of every tensor; 0 for an empty one without memory.

        Raises:
            UsageError: a tensor is not as planned; the first one is named.
        """
        if len(tensors) != len(self._counts):
            raise UsageError(f"this bucket was planned for {len(self._counts)} tensors and was given {len(tensors)}")
        present = [tensor for tensor in tensors if tensor is not None]
        is_right = (
            len(present) == len(tensors)
            and list(map(torch.Tensor.numel, present)) == self._counts
            and list(map(_DTYPE, present)) == self._dtypes
            and list(map(torch.Tensor.get_device, present)) == self._places
            and all(map(torch.Tensor.is_contiguous, present))
        )
        if not is_right:
            self._explain(tensors)
        pointers = list(map(torch.Tensor.data_ptr, present))
        if 0 in pointers:  # also on the meta device, which has the CPU's number
            self._explain(tensors)
            self._explain_no_memory(pointers)
        return pointers

    def outside_the_buffer(self, pointers: list[int]) -> None:
        """Refuse tensors that lie in the buffer: the kernel reads and writes in any order.

        Raises:
            UsageError: a tensor shares memory with the buffer; the first one is named.
        """
        begins = np.array(pointers, dtype=np.uint64).view(np.int64)
        ends = begins + self._count_of_bytes
        overlaps = (begins < self._buffer_end) & (ends > self._buffer_begin) & (ends > begins)
        if overlaps.any():
            index = int(np.argmax(overlaps))
            raise UsageError(f"gradient {index} lies in the bucket's own memory; pack from and to other tensors")

    def _explain_no_memory(self, pointers: list[int]) -> None:
        for index, (pointer, count) in enumerate(zip(pointers, self._counts, strict=True)):
            if pointer == 0 and count:
                raise UsageError(f"gradient {index} has no memory: its storage was freed; {_KEEP}")

    def _explain(self, tensors: Sequence[torch.Tensor | None]) -> None:
        for index, tensor in enumerate(tensors):
            if tensor is None:
                raise UsageError(f"gradient {index} is None: it was freed (zero_grad) or never computed; {_KEEP}")
            count, dtype = self._counts[index], self._dtypes[index]
            if tensor.numel() != count:
                raise UsageError(f"gradient {index} has {tensor.numel()} elements, planned were {count}; plan anew")
            if tensor.dtype != dtype:
                raise UsageError(f"gradient {index} is {tensor.dtype}, planned was {dtype}; plan anew")
            if tensor.device != self._device:
                raise UsageError(f"gradient {index} is on {tensor.device}, its bucket on {self._device}; {_ONE_DEVICE}")
            if not tensor.is_contiguous():
                form = f"shape {list(tensor.shape)}, strides {list(tensor.stride())}"
                raise UsageError(
                    f"gradient {index} is not contiguous ({form}); "
                    "pack tensor.contiguous() and copy back, or keep gradients in row-major order"
                )


_KEEP = "pack after backward, and leave parameters without a gradient out of the plan"
_ONE_DEVICE = "make one bucket for each device"


def torch_dtype(name: str) -> torch.dtype:
    """Return torch's element type of that name."""
    dtype: torch.dtype = getattr(torch, name)
    return dtype


def make_buffer(plan: BucketPlan, device: torch.device, given: torch.Tensor | None) -> torch.Tensor:
    """Return a zeroed buffer for the plan: the given one, cut to size, or a new one.

    Raises:
        UsageError: the given one is too small, elsewhere, of another dtype, or badly aligned.
    """
    dtype = torch_dtype(plan.buffer_dtype)
    count = plan.buffer_bytes // dtype.itemsize
    if given is None:
        return torch.zeros(count, dtype=dtype, device=device)
    if given.device != device:
        raise UsageError(f"the bucket's buffer is on {given.device}, the bucket on {device}")
    if given.dtype != dtype or given.dim() != 1 or not given.is_contiguous():
        raise UsageError(f"the bucket's buffer must be contiguous 1-D {dtype}, not {given.dim()}-D {given.dtype}")
    if given.numel() < count:
        raise UsageError(f"the bucket needs {plan.buffer_bytes:,} bytes; the buffer given has {given.nbytes:,}")
    if given.data_ptr() % VECTOR_BYTES:
        raise UsageError(f"the bucket's buffer must start on {VECTOR_BYTES} bytes; this view of it does not")
    buffer = given[:count]
    buffer.zero_()
    return buffer


def check_scale(scale: torch.Tensor, device: torch.device) -> None:
    """Refuse what is no single float32 on the device.

    Raises:
        UsageError: it is not.
    """
    if scale.numel() != 1 or scale.dtype != torch.float32 or scale.device != device:
        raise UsageError(
            f"a scale is one float32 on {device}, not {scale.numel()} of {scale.dtype} on {scale.device}; "
            f"make it once: torch.tensor([1 / world_size], device={str(device)!r})"
        )


def check_reduce(plan: BucketPlan, received: torch.Tensor, out: torch.Tensor, device: torch.device) -> None:
    """Refuse tensors that are not one message from each rank and one shard of sums.

    Raises:
        UsageError: they are not.
    """
    if plan.bucket_dtype != E4M3:
        raise UsageError(f"reduce sums e4m3 messages; this bucket is {plan.bucket_dtype}: let the collective sum it")
    wanted = (
        ("received", received, torch.uint8, plan.buffer_bytes),
        ("out", out, torch.float32, plan.shard_count),
    )
    for name, tensor, dtype, count in wanted:
        facts = (tensor.dtype, tensor.numel(), tensor.device)
        if facts != (dtype, count, device) or not tensor.is_contiguous() or tensor.data_ptr() % VECTOR_BYTES:
            raise UsageError(
                f"reduce: {name} must be {count} contiguous {dtype} on {device}, starting on {VECTOR_BYTES} bytes; "
                f"it is {tensor.numel()} of {tensor.dtype} on {tensor.device}"
            )
