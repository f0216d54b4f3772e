"""The worst of n calls, taken from more than n: so that worst cases of unequal numbers of calls can be compared."""

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_HALF = 0.5 - 1e-9  # a chance of exactly one half may come out a rounding below it


def worst_of(bins: "Sequence[int] | NDArray[np.int64]", counts: "Sequence[int] | NDArray[np.int64]", n: int) -> int:
    """Return the bin in which the worst of n calls lies half of the time, of a histogram that has at least n.

    All subsamples of n calls are looked at together, so nothing is drawn: the worst of n out of N calls lies at or
    below a bin with probability C(k, n) / C(N, n), where k calls do.

    Raises:
        ValueError: n is below 1, or the histogram has fewer than n calls.
    """
    from scipy.special import gammaln

    below = np.cumsum(np.asarray(counts, dtype=np.int64))
    total = int(below[-1]) if len(below) else 0
    if not 1 <= n <= total:
        raise ValueError(f"cannot take the worst of {n} calls from {total}")
    known = np.maximum(below, n)  # fewer calls than n at or below a bin: the worst cannot be there
    log_chance = gammaln(known + 1) - gammaln(known - n + 1) - gammaln(total + 1) + gammaln(total - n + 1)
    chance = np.where(below < n, 0.0, np.exp(log_chance))
    # The last bin's chance is 1 but for rounding.
    return int(np.asarray(bins)[min(int(np.searchsorted(chance, _HALF)), len(below) - 1)])
