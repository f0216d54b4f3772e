"""CUDA events on the current stream: for calls that only enqueue work on a device."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch

from commbench.units import NS_PER_US

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NS_PER_MS = 1000 * NS_PER_US
_FEWEST_CALLS = 1000  # the longest visit that no suite asks for: measure/overhead.py


class CudaEventClock:
    """Events recorded straight before and straight behind the work, read only after the device is idle.

    Since torch 2.8 a blocking collective runs on the current stream (pytorch#150398), so events there enclose it, and
    no host is waited for in between: nccl-tests `-z 3` records its stop event after a host wait and times that too.

    Events are made once and used again in every visit. torch makes the CUDA event itself at the first record
    (torch/csrc/cuda, ATen/cuda/CUDAEvent.h), so each is recorded once beforehand.
    """

    name = "cuda_event"
    is_comparable = False  # events measure intervals on one device; there is no common zero
    resolution_ns = 500.0  # CUDA runtime documentation of cudaEventElapsedTime: about half a microsecond

    def __init__(self, visit_calls: int = 0) -> None:
        """Make the events of visits of so many calls; a longer visit makes the rest under way, once."""
        self._stream = torch.cuda.current_stream()  # asking for it at every stamp would cost more than the record
        calls = max(visit_calls, _FEWEST_CALLS)
        self._events = [self._new_event() for _ in range(2 * calls + 1)]  # a visit takes one stamp to make its list
        self._taken = 0
        torch.cuda.synchronize()

    @property
    def stamp(self) -> Callable[[], Any]:
        return self._record

    def resolve(self, stamps: Sequence[Any]) -> "NDArray[np.int64]":
        """Return the stamps in ns from the first one; all events ever handed out are free again after that.

        Neighbours are subtracted and the differences added up: the driver answers in float32 milliseconds, in which
        the distance to a far first event would be rounded to microseconds after a minute.
        """
        import numpy as np

        torch.cuda.synchronize()
        self._taken = 0
        steps = [round(one.elapsed_time(other) * _NS_PER_MS) for one, other in pairwise(stamps)]
        return np.cumsum(np.array([0, *steps] if stamps else [], dtype=np.int64), dtype=np.int64)

    def _record(self) -> Any:
        if self._taken == len(self._events):
            self._events.append(self._new_event())
        event = self._events[self._taken]
        self._taken += 1
        event.record(self._stream)
        return event

    def _new_event(self) -> Any:
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call] # torch
        event.record(self._stream)
        return event
