"""The numbers that stand for a point: quantiles of the time of single calls, in microseconds."""

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from commbench.units import NS_PER_US

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Summary:
    """Quantiles over calls; every one is a time that really happened (nearest rank, as nccl-tests takes them)."""

    n: int
    min_us: float
    mean_us: float
    p50_us: float
    p95_us: float
    p99_us: float
    max_us: float
    std_us: float


def quantile_ns(sorted_ns: "NDArray[np.int64]", quantile: float) -> int:
    """Return the nearest-rank quantile of sorted times: the smallest with at least that share at or below it."""
    return int(sorted_ns[max(0, ceil(quantile * len(sorted_ns)) - 1)])


def summarise(time_ns: "NDArray[np.int64]") -> Summary:
    """Return the summary of the times of single calls.

    Raises:
        ValueError: there are no calls.
    """
    if len(time_ns) == 0:
        raise ValueError("no calls to summarise")
    ordered = time_ns.copy()
    ordered.sort()
    return Summary(
        n=len(ordered),
        min_us=float(ordered[0]) / NS_PER_US,
        mean_us=float(ordered.mean()) / NS_PER_US,
        p50_us=quantile_ns(ordered, 0.50) / NS_PER_US,
        p95_us=quantile_ns(ordered, 0.95) / NS_PER_US,
        p99_us=quantile_ns(ordered, 0.99) / NS_PER_US,
        max_us=float(ordered[-1]) / NS_PER_US,
        std_us=float(ordered.std()) / NS_PER_US,
    )
