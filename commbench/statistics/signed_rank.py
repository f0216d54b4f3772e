"""Pairs of one difference each: Hodges-Lehmann's estimate, and Wilcoxon's signed ranks for intervals and risks.

Nothing is assumed of the differences but that they scatter symmetrically round the truth. All of it rests on Walsh
averages, the means of every difference with every other and with itself: their median is the estimate, and how many
of them lie beyond a value is the signed-rank statistic of that value.

Source: Hollander, Wolfe & Chicken, Nonparametric Statistical Methods, 3rd ed., sections 3.1 to 3.3.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import inf, isqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_MOST_EXACT = 400  # pairs; the exact law of thousands takes seconds


@dataclass(frozen=True, slots=True)
class Location:
    """Where differences lie: the estimate and its interval, in the unit of the differences."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Risks:
    """How likely, at most, each claim would come up were it false, both directions of error counted.

    A claim holds at the risk alpha exactly when the interval at 1 - alpha lies wholly there.
    """

    below: float  # "the truth is below -margin"
    within: float  # "the truth is within -margin .. margin"
    above: float  # "the truth is above margin"

    @property
    def least(self) -> float:
        """Return the risk of the claim that is surest."""
        return min(self.below, self.within, self.above)


def walsh_averages(differences: "Floats") -> "Floats":
    """Return the n (n+1) / 2 means of two differences each, ascending."""
    first, second = _pairs(len(differences))
    averages: Floats = (differences[first] + differences[second]) / 2
    averages.sort()
    return averages


def locate(averages: "Floats", alpha: float = 0.05) -> Location:
    """Return the Hodges-Lehmann estimate and its interval at 1 - alpha, given ascending Walsh averages.

    The interval is exact for independent, symmetric differences; infinite when pairs are too few: below 6 at 5 %.
    """
    pairs = pairs_of(averages)
    cut = int(np.searchsorted(_cumulative(pairs), alpha / 2, side="right"))  # so many averages may lie outside
    estimate = float(np.median(averages))
    if cut == 0:
        return Location(estimate, -inf, inf)
    return Location(estimate, float(averages[cut - 1]), float(averages[-cut]))


def risks(averages: "Floats", margin: float) -> Risks:
    """Return the risks of claiming that the truth is below, within or above a margin round 0, in one unit with it."""
    count, cumulative = len(averages), _cumulative(pairs_of(averages))
    # An average that lies on the limit counts against the claim.
    above_limit = {limit: count - int(np.searchsorted(averages, limit)) for limit in (-margin, margin)}
    below_limit = {limit: int(np.searchsorted(averages, limit, side="right")) for limit in (-margin, margin)}

    def risk(against: int) -> float:
        return min(1.0, 2 * float(cumulative[against]))

    return Risks(
        below=risk(above_limit[-margin]),
        within=max(risk(above_limit[margin]), risk(below_limit[-margin])),
        above=risk(below_limit[margin]),
    )


def attained_risk(pairs: int, alpha: float) -> float:
    """Return the largest risk up to alpha that so many pairs attain: 3.1 % of 5 % with six; 0 for none."""
    cumulative = _cumulative(pairs)
    cut = int(np.searchsorted(cumulative, alpha / 2, side="right"))
    return 2 * float(cumulative[cut - 1]) if cut else 0.0


def pairs_of(averages: "Floats") -> int:
    """Return how many differences gave so many Walsh averages."""
    return (isqrt(8 * len(averages) + 1) - 1) // 2


@lru_cache(maxsize=64)
def _pairs(count: int) -> "tuple[NDArray[np.intp], NDArray[np.intp]]":
    return np.triu_indices(count)


def _normal(pairs: int) -> "Floats":
    from scipy.special import ndtr

    most = pairs * (pairs + 1) // 2
    sigma = (most * (2 * pairs + 1) / 12) ** 0.5
    cumulative: Floats = ndtr((np.arange(most + 1) + 0.5 - most / 2) / sigma)
    return cumulative


@lru_cache(maxsize=64)
def _cumulative(pairs: int) -> "Floats":
    """Return P(W <= w) for w = 0 .. n (n+1) / 2 of the signed-rank statistic of n pairs under symmetry.

    Every rank from 1 to n is in the sum or is not, with a chance of one half each. Exact up to 400 pairs, where the
    normal law with continuity correction takes over: it is within 0.3 % of the exact 2.5 % there.
    """
    if pairs > _MOST_EXACT:
        return _normal(pairs)
    chance = np.zeros(pairs * (pairs + 1) // 2 + 1)
    chance[0] = 1.0
    for rank in range(1, pairs + 1):
        chance[rank:] = (chance[rank:] + chance[:-rank]) / 2
        chance[:rank] /= 2
    cumulative: Floats = np.minimum(np.cumsum(chance), 1.0)
    return cumulative
