"""The numbers that are compared: where they are found, and how few calls say nothing of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from commbench.analysis.compare_pairs import Pairs
from commbench.statistics.histogram import GAMMA
from commbench.statistics.intervals import upper_bound_exists
from commbench.statistics.worst_of import worst_of
from commbench.units import NS_PER_US

Floats = NDArray[np.float64]
_P99 = 0.99
MEASURED_METRICS = ("p50", "p99", "worst", "busbw")  # what is compared when nobody says
IMPORTED_METRICS = ("mean", "busbw")


@dataclass(frozen=True, slots=True)
class Values:
    """A number of the launches of a cell, pair by pair; `calls` is what a worst case was taken of.

    `why` says why there are none; `a` and `b` are empty then.
    """

    a: Floats
    b: Floats
    calls: int | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Side:
    """The columns of one side's rows as arrays, so that a cell's rows are picked by their places."""

    columns: Mapping[str, "NDArray[np.object_] | Floats"]

    @classmethod
    def of(cls, rows: pd.DataFrame) -> "Side":
        """Return the columns that metrics read."""
        numbers = {name: rows[name].to_numpy(dtype=np.float64, na_value=np.nan) for name in _NUMBERS if name in rows}
        lists = {name: rows[name].to_numpy(dtype=object) for name in _LISTS if name in rows}
        return cls({**numbers, **lists})

    def first_known(self, names: Sequence[str], places: Sequence[int]) -> Floats:
        """Return, of each row, the first of the columns that is not null."""
        found = np.full(len(places), np.nan)
        for name in names:
            found = np.where(np.isnan(found), self.columns[name][list(places)].astype(np.float64), found)
        return found


_TIMES = {  # a metric's columns; later ones stand in where the earlier are null, as in imported rows
    "p50": ("latency_p50_us",),
    "p99": ("latency_p99_us",),
    "worst": ("latency_max_us",),
    "mean": ("elapsed_mean_us", "time_mean_us", "printed_time_us"),
    "busbw": ("busbw_gb_s", "busbw_mean_gb_s", "printed_busbw_gb_s"),
}
METRICS = tuple(_TIMES)
UNITS = {name: "GB/s" if name == "busbw" else "us" for name in METRICS}
_LISTS = ("hist_bin", "hist_count")
_NUMBERS = tuple(dict.fromkeys(("iterations", *(name for names in _TIMES.values() for name in names))))
METRIC_COLUMNS = (*_NUMBERS, *_LISTS)


def values_of(metric: str, a: Side, b: Side, pairs: Pairs) -> Values:
    """Return a metric of all pairs in which both launches have it."""
    return _SPECIAL.get(metric, _plain)(metric, a, b, pairs)


def _plain(metric: str, a: Side, b: Side, pairs: Pairs) -> Values:
    columns = _TIMES[metric]
    return _known(a.first_known(columns, pairs.a_rows), b.first_known(columns, pairs.b_rows), metric)


def _known(a: Floats, b: Floats, metric: str, calls: int | None = None) -> Values:
    """Return the pairs of which both numbers are known and positive: of others there is no ratio."""
    kept = (a > 0) & (b > 0)  # false for nan
    if not kept.any():
        return _nothing(f"no {metric} was measured on both sides")
    return Values(a[kept], b[kept], calls)


def _nothing(why: str) -> Values:
    return Values(np.empty(0), np.empty(0), why=why)


def _fewest_calls(a: Side, b: Side, pairs: Pairs) -> int:
    calls = np.concatenate([a.columns["iterations"][list(pairs.a_rows)], b.columns["iterations"][list(pairs.b_rows)]])
    return 0 if np.isnan(calls.astype(np.float64)).any() else int(calls.min())


def _p99(metric: str, a: Side, b: Side, pairs: Pairs) -> Values:
    calls = _fewest_calls(a, b, pairs)
    if not upper_bound_exists(calls, _P99):
        return _nothing(f"a p99 needs 299 calls in every launch, and one has {calls}")
    return _plain(metric, a, b, pairs)


def _worst(metric: str, a: Side, b: Side, pairs: Pairs) -> Values:
    """Return the worst of equally many calls of each launch: the longest of more calls is longer by itself."""
    calls = _fewest_calls(a, b, pairs)
    if calls < 1:
        return _nothing("the number of calls is not known, and the worst of more calls is slower by itself")
    of_a, of_b = (_worst_of_side(side, rows, calls) for side, rows in ((a, pairs.a_rows), (b, pairs.b_rows)))
    if of_a is None or of_b is None:
        return _nothing(f"launches differ in their calls ({calls} at least) and have no histogram to take fewer from")
    return _known(of_a, of_b, metric, calls)


def _worst_of_side(side: Side, rows: Sequence[int], calls: int) -> Floats | None:
    found = side.columns["latency_max_us"][list(rows)].astype(np.float64)
    for place, row in enumerate(rows):
        if side.columns["iterations"][row] == calls:
            continue
        bins, counts = side.columns["hist_bin"][row], side.columns["hist_count"][row]
        if bins is None or counts is None or np.sum(counts) < calls:
            return None
        found[place] = _middle_us(worst_of(bins, counts, calls))
    return found


def _middle_us(index: int) -> float:
    """Return the value that stands for a bin, within 1 % of all it holds: see statistics.histogram."""
    return 2 * float(GAMMA) ** index / (GAMMA + 1) / NS_PER_US


_SPECIAL: Mapping[str, Callable[[str, Side, Side, Pairs], Values]] = {"p99": _p99, "worst": _worst}
