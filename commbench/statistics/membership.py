"""Which member makes the difference, when each observation belongs to a set of members."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
    every = explained_since(values, weights, there, np.array([since], dtype=np.int64))
    return Explained(every.log_ratio[0], every.shift[0], every.present[0], every.absent[0])


def explained_since(values: "Floats", weights: "Floats", there: "Flags", onsets: "NDArray[np.int64]") -> Explained:
    """Return the same for each of several places [O], as `explained_by` does for one: all fields are [O, H]."""
    weight, moment, square = weights, weights * values, weights * values**2
    total, sums, squares = _from(weight, onsets), _from(moment, onsets), _from(square, onsets)
    present = _from(there.astype(np.int64), onsets)
    absent = (len(values) - onsets)[:, None] - present
    usable = (present > 0) & (absent > 0)
    with_it = np.where(usable, _from(weight[:, None] * there, onsets), 1.0)
    without = np.where(usable, total[:, None] - with_it, 1.0)
    of_it = _from(moment[:, None] * there, onsets)
    shift = np.where(usable, of_it / with_it - (sums[:, None] - of_it) / without, 0.0)
    before = _squares(weight.sum() - total, moment.sum() - sums, square.sum() - squares)
    around = (before + _squares(total, sums, squares))[:, None]
    tiny = np.finfo(float).tiny
    between = shift**2 * with_it * without / np.maximum(total, tiny)[:, None]
    left = np.maximum(around - between, np.finfo(float).eps * around + tiny)  # a perfect explanation stays finite
    ratio = np.where(usable & (around > 0), len(values) / 2 * np.log((around + tiny) / left), 0.0)
    return Explained(ratio, shift, present, absent)


def _from(values: "NDArray[Any]", onsets: "NDArray[np.int64]") -> "NDArray[Any]":
    """Return the sums of values [U, ...] from each place on."""
    sums = np.cumsum(values[::-1], axis=0)[::-1]
    padded: NDArray[Any] = np.concatenate([sums, np.zeros_like(sums[:1])])
    return padded[np.minimum(onsets, len(values))]


def _squares(weight: "Floats", moment: "Floats", square: "Floats") -> "Floats":
    """Return weighted squares around the mean, from sums of the weights and of the values' first two powers."""
    known = weight > 0
    found: Floats = np.where(known, square - moment**2 / np.where(known, weight, 1.0), 0.0)
    return np.maximum(found, 0.0)
