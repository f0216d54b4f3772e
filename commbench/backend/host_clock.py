"""The host's monotonic clock: for calls that return when the result is there."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from commbench.units import NS_PER_S

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class HostClock:
    """CLOCK_MONOTONIC, shared by all ranks of a host."""

    name = "host"
    is_comparable = True

    def __init__(self) -> None:
        self.resolution_ns = time.get_clock_info("perf_counter").resolution * NS_PER_S

    @property
    def stamp(self) -> Callable[[], int]:
        return time.perf_counter_ns

    def resolve(self, stamps: Sequence[int]) -> "NDArray[np.int64]":
        import numpy as np

        return np.array(stamps, dtype=np.int64)
