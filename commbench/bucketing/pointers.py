"""The addresses of a bucket's tensors in device memory, sent again only when one of them moved."""

import numpy as np
import torch

from commbench.errors import UsageError

_IN_FLIGHT = 2  # host copies that may wait for the device at a time; a third list waits for the first


class PointerTable:
    """One table of `count` addresses, 8 bytes each, on the device.

    A table that a CUDA graph has recorded is frozen: a replay reads it whenever it runs, so that other addresses in it
    would silently pack other tensors.
    """

    def __init__(self, count: int, device: torch.device) -> None:
        self._is_cuda = device.type == "cuda"
        self._table = torch.zeros(max(1, count), dtype=torch.int64, device=device)
        self._sent: list[int] | None = None
        self._is_recorded = False
        copies = _IN_FLIGHT if self._is_cuda else 1
        self._copies = [torch.empty(max(1, count), dtype=torch.int64, pin_memory=self._is_cuda) for _ in range(copies)]
        events = copies if self._is_cuda else 0
        self._events = [torch.cuda.Event() for _ in range(events)]  # type: ignore[no-untyped-call] # torch
        self._next = 0

    @property
    def address(self) -> int:
        """Return where the table is, in the device's memory."""
        return self._table.data_ptr()

    def holds(self, pointers: list[int]) -> bool:
        """Say whether the device has these addresses; a graph that is being recorded freezes them."""
        if pointers != self._sent:
            return False
        self._is_recorded = self._is_recorded or self._is_capturing()
        return True

    def send(self, pointers: list[int]) -> None:
        """Copy new addresses to the device, on torch's current stream.

        Raises:
            UsageError: a CUDA graph is being recorded or has been recorded with the old addresses.
        """
        if self._is_capturing():
            raise UsageError(
                "the gradients of this bucket are not where they were, and a CUDA graph is being recorded; "
                "pack and unpack once with these tensors before recording"
            )
        if self._is_recorded:
            raise UsageError(
                "the gradients of this bucket moved, but a CUDA graph was recorded with their old places; "
                "keep them (zero_grad(set_to_none=False)) or open another bucket"
            )
        slot = self._next
        self._next = (slot + 1) % len(self._copies)
        if self._is_cuda:
            self._events[slot].synchronize()
        host = self._copies[slot]
        host.numpy()[: len(pointers)] = np.array(pointers, dtype=np.uint64).view(np.int64)
        self._table.copy_(host, non_blocking=True)
        if self._is_cuda:
            self._events[slot].record()
        self._sent = pointers

    def _is_capturing(self) -> bool:
        return self._is_cuda and torch.cuda.is_current_stream_capturing()
