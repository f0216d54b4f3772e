"""CUDA events on the current stream: for calls that only enqueue work on a device."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch

from commbench.units import NS_PER_US

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NS_PER_MS = 1000 * NS_PER_US


class CudaEventClock:
    """Events recorded straight behind the work, read only after the device is idle.

    Since torch 2.8 a blocking collective runs on the current stream, so events there enclose it.
    """

    name = "cuda_event"
    is_comparable = False  # events measure intervals on one device; there is no common zero
    resolution_ns = 500.0  # CUDA runtime documentation of cudaEventElapsedTime: about half a microsecond

    @property
    def stamp(self) -> Callable[[], Any]:
        return _record

    def resolve(self, stamps: Sequence[Any]) -> "NDArray[np.int64]":
        import numpy as np

        torch.cuda.synchronize()
        if not stamps:
            return np.zeros(0, dtype=np.int64)
        first = stamps[0]
        return np.array([round(first.elapsed_time(event) * _NS_PER_MS) for event in stamps], dtype=np.int64)


def _record() -> Any:
    event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call] # torch
    event.record()
    return event
