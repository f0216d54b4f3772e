"""The slow calls: how much time they take, and which they are."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SLOW = 2.0  # times the p50: design 2.5
_ONE_OF = 20  # 5 %: steadier from night to night than the maximum


def time_share_slow(time_ns: "NDArray[np.int64]", factor: float = _SLOW) -> float:
    """Return the share of the calls' whole time spent in calls slower than `factor` times the p50.

    One stall of 100 ms is one call of thousands, but not a small part of the time; 0.0 when there are no calls.
    Source: design 2.5, the time-weighted tail.
    """
    if len(time_ns) == 0:
        return 0.0
    slow = time_ns[time_ns > factor * float(np.median(time_ns))]
    return float(slow.sum()) / max(float(time_ns.sum()), 1.0)


def worst5_mean_ns(latency_ns: "NDArray[np.int64]") -> float:
    """Return the mean of the slowest 5 % of the calls in ns: of every twentieth call, rounded up, so of one at least.

    Source: the expected shortfall of Acerbi and Tasche 2002, in whole calls, so that no call counts in part.

    Raises:
        ValueError: there are no calls.
    """
    if len(latency_ns) == 0:
        raise ValueError("no calls to take the slowest of")
    count = -(-len(latency_ns) // _ONE_OF)
    return float(np.partition(latency_ns, -count)[-count:].mean())


def worst_calls(latency_ns: "NDArray[np.int64]", count: int = 10) -> "NDArray[np.int64]":
    """Return the indices of the slowest calls, slowest first and earlier ones first among equals."""
    order: NDArray[np.int64] = np.argsort(-latency_ns, kind="stable")[:count]
    return order
