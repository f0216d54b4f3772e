"""Which member makes the difference, when each observation belongs to a set of members."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Explained:
    """For each of H members: log likelihood ratio that it shifts what it is in, the shift, and in how many it was."""

    log_ratio: "Floats"
    shift: "Floats"
    present: "NDArray[np.int64]"
    absent: "NDArray[np.int64]"


def explained_by(values: "Floats", weights: "Floats", there: "Flags", since: int = 0) -> Explained:
    """Return how well each member explains the values from place `since` on.

    `values` [U] are in the order of time, `weights` [U] the inverse of their variances up to a factor, `there` is
    [U, H]. Both hypotheses have normal values, one mean before `since` and another from it on; one of them adds a shift
    where the member is. The ratio is U / 2 ln(RSS without / RSS with the shift). A change that all have in common
    therefore speaks against nobody, and members that were always or never there explain nothing: their ratio and
    shift are 0.
    """
    after, inside, weight = values[since:], there[since:], weights[since:]
    present = inside.sum(axis=0)
    absent = len(after) - present
    usable = (present > 0) & (absent > 0)
    total = weight.sum()
    with_it = np.where(usable, weight @ inside, 1.0)
    without = np.where(usable, total - with_it, 1.0)
    sums = (weight * after) @ inside, float((weight * after).sum())
    shift = np.where(usable, sums[0] / with_it - (sums[1] - sums[0]) / without, 0.0)
    around = _squares(values[:since], weights[:since]) + _squares(after, weight)
    between = shift**2 * with_it * without / max(total, np.finfo(float).tiny)
    tiny = np.finfo(float).tiny
    left = np.maximum(around - between, np.finfo(float).eps * around + tiny)  # a perfect explanation stays finite
    ratio = np.where(usable & (around > 0), len(values) / 2 * np.log((around + tiny) / left), 0.0)
    return Explained(ratio, shift, present, absent)


def _squares(values: "Floats", weights: "Floats") -> float:
    if not len(values):
        return 0.0
    return float((weights * (values - np.average(values, weights=weights)) ** 2).sum())
