"""A histogram in steps of 2 %, for keeping: every quantile within 1 %, and merging loses nothing."""

from collections import Counter
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Bin i holds times in (GAMMA ** (i-1), GAMMA ** i] ns. Source: Masson et al., DDSketch, VLDB 2019, section 2.
GAMMA = 1.02
_ZERO_BIN = -1  # for times below 1 ns: the skew of ranks that came together, or a clock's error


@dataclass(frozen=True, slots=True)
class LogHistogram:
    """Times in bins of constant relative width; `bins` ascend, and `n`, `min_ns` and `max_ns` are exact."""

    bins: tuple[int, ...]
    counts: tuple[int, ...]
    n: int
    min_ns: int
    max_ns: int

    @classmethod
    def from_ns(cls, time_ns: "NDArray[np.int64]") -> "LogHistogram":
        """Return the histogram of times in ns.

        Raises:
            ValueError: there are no times.
        """
        if len(time_ns) == 0:
            raise ValueError("no times to put into a histogram")
        index = np.ceil(np.log(np.maximum(time_ns, 1)) / np.log(GAMMA)).astype(np.int64)
        bins, counts = np.unique(np.where(time_ns < 1, _ZERO_BIN, index), return_counts=True)
        return cls(tuple(bins.tolist()), tuple(counts.tolist()), len(time_ns), int(time_ns.min()), int(time_ns.max()))

    def merge(self, other: "LogHistogram") -> "LogHistogram":
        """Return the histogram of both ones' times, the very same as if they had been counted together."""
        total = Counter(dict(zip(self.bins, self.counts, strict=True)))
        total.update(dict(zip(other.bins, other.counts, strict=True)))
        bins = tuple(sorted(total))
        return LogHistogram(
            bins,
            tuple(total[each] for each in bins),
            self.n + other.n,
            min(self.min_ns, other.min_ns),
            max(self.max_ns, other.max_ns),
        )

    def quantile(self, quantile: float) -> float:
        """Return the nearest-rank quantile in ns, within 1 % for times of at least 1 ns; 0 and 1 are exact.

        Source: DDSketch: the value 2 * gamma ** i / (gamma + 1) is within (gamma-1)/(gamma+1) of all that bin i holds.
        """
        rank = max(1, ceil(quantile * self.n))
        if rank == self.n:
            return float(self.max_ns)
        index = self.bins[int(np.searchsorted(np.cumsum(self.counts), rank))]
        middle = 0.0 if index == _ZERO_BIN else 2 * GAMMA**index / (GAMMA + 1)
        return float(min(max(middle, self.min_ns), self.max_ns))
