"""The last good nights of many series at once, and how far a value is from them."""

from typing import TYPE_CHECKING

import numpy as np

from commbench.statistics.robust import mad_scale, nan_median, shrunk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from commbench.analysis.nightly.rule import Rule

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]


class Baseline:
    """The last good nights of K series in M metrics: what is pushed waits a little before it counts.

    Give `classes` [K] to pull each scale towards the median scale of its class; without it scales are only floored.
    """

    def __init__(self, rule: "Rule", metrics: int, series: int, classes: "NDArray[np.int64] | None" = None) -> None:
        self._rule = rule
        self._nights = np.full((metrics, series, rule.window_nights), np.nan)
        self._waiting = np.full((metrics, series, rule.waiting_nights), np.nan)
        self._classes = classes
        self._columns = None if classes is None else _padded(classes)

    @property
    def nights(self) -> "NDArray[np.int64]":
        """Return how many nights each series has in each metric [M, K], the waiting ones too."""
        counts: NDArray[np.int64] = np.isfinite(self._nights).sum(axis=-1) + np.isfinite(self._waiting).sum(axis=-1)
        return counts

    def middle_and_scale(self) -> "tuple[Floats, Floats]":
        """Return the medians and robust scales [M, K]; NaN without nights."""
        middle = nan_median(self._nights)
        scale = np.maximum(mad_scale(self._nights, middle), self._rule.floor)
        if self._columns is None or self._classes is None:
            return middle, scale
        with_none = np.concatenate([scale, np.full((len(scale), 1), np.nan)], axis=1)
        of_class = nan_median(with_none[:, self._columns])
        weights = self._rule.prior_nights, float(self._rule.window_nights)
        return middle, shrunk(scale, of_class[:, self._classes], *weights)

    def push(self, values: "Floats", chosen: "Flags") -> None:
        """Add a night's values [M, K] of the chosen series [K]; the oldest waiting night becomes one that counts."""
        ready = chosen & np.isfinite(self._waiting[:, :, 0]).any(axis=0)
        self._nights[:, ready, :-1] = self._nights[:, ready, 1:]
        self._nights[:, ready, -1] = self._waiting[:, ready, 0]
        self._waiting[:, chosen, :-1] = self._waiting[:, chosen, 1:]
        self._waiting[:, chosen, -1] = values[:, chosen]

    def forget_waiting(self, chosen: "Flags") -> None:
        """Drop the nights that wait: they belong to an incident."""
        self._waiting[:, chosen] = np.nan

    def shift(self, by: "Floats", chosen: "Flags") -> None:
        """Move the chosen series' nights by `by` [M, K], where that is known: a new level, with the old spread."""
        step = np.where(np.isfinite(by), by, 0.0)[:, chosen, None]
        self._nights[:, chosen] += step


def _padded(classes: "NDArray[np.int64]") -> "NDArray[np.int64]":
    """Return the members of each class [C, most members], filled up with an index that is one past the last."""
    members = [np.flatnonzero(classes == one) for one in range(int(classes.max(initial=-1)) + 1)]
    filled = np.full((len(members), max(map(len, members), default=0)), len(classes))
    for row, columns in zip(filled, members, strict=True):
        row[: len(columns)] = columns
    return filled
