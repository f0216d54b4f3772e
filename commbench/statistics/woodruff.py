"""The interval of a quantile of calls that come in visits: calls of one visit resemble each other."""

from dataclasses import dataclass
from math import inf, sqrt
from typing import TYPE_CHECKING

from commbench.model.summary import quantile_ns

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

_FEWEST_VISITS = 2  # one visit says nothing of how visits differ


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and the interval that holds the truth with the confidence asked for, all in one unit."""

    estimate: float
    low: float
    high: float

    @property
    def relative_half_width(self) -> float:
        """Return half the interval's width as a share of the estimate; infinite when the estimate is not positive."""
        return (self.high - self.low) / 2 / self.estimate if self.estimate > 0 else inf


def cluster_interval(
    visits: "Sequence[NDArray[np.int64]]", quantile: float = 0.5, alpha: float = 0.05
) -> Interval | None:
    """Return the interval in ns, with confidence 1 - alpha, of a quantile of the times of all calls of all visits.

    How much the share of calls below the estimate differs between visits says how well that share is known; the
    quantiles at both ends of the share's interval are the ends of ours. Visits may differ in length: a share then
    weighs as much as its visit (the ratio estimator). All three numbers are times that really happened.

    None when there are fewer than two visits with calls, or too few calls for the quantile.

    Source: Woodruff, JASA 47 (1952); design 2.4, where V is the number of visits, k a visit's calls and s the standard
    deviation of the shares: h = t(V-1, 1 - alpha/2) * max(s, 1/(2 k sqrt V)) / sqrt V.
    """
    import numpy as np
    from scipy.special import stdtrit

    with_calls = [visit for visit in visits if len(visit)]
    if len(with_calls) < _FEWEST_VISITS:
        return None
    ordered = np.concatenate(with_calls)
    ordered.sort()
    estimate = quantile_ns(ordered, quantile)
    share = float(np.searchsorted(ordered, estimate, side="right")) / len(ordered)
    count, typical_calls = len(with_calls), len(ordered) / len(with_calls)
    residuals = [float(np.count_nonzero(visit <= estimate) - share * len(visit)) for visit in with_calls]
    spread = sqrt(sum(residual**2 for residual in residuals) / (count - 1)) / typical_calls
    spread = max(spread, 1 / (2 * typical_calls * sqrt(count)))
    half = float(stdtrit(count - 1, 1 - alpha / 2)) * spread / sqrt(count)
    if quantile - half <= 0 or quantile + half >= 1:
        return None
    return Interval(estimate, quantile_ns(ordered, quantile - half), quantile_ns(ordered, quantile + half))
