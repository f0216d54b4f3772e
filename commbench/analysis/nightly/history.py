"""Change points of one series in retrospect: what a person looks at, never what alarms."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from commbench.analysis.nightly.calendar import Calendar
from commbench.analysis.nightly.frames import dated, nights_of
from commbench.analysis.nightly.rule import LATENCY, Rule
from commbench.errors import UsageError
from commbench.statistics.robust import mad_scale

if TYPE_CHECKING:
    import pandas as pd

    from commbench.analysis.nightly.verdict import Series

# The usual penalty of a change of mean with known variance, times 8 / 2: nights wander, and bad single nights are no
# levels (design, "Series-level comparison": PELT l2 pen 8 ln n).
_PENALTY = 8.0
_LEAST_NIGHTS = 3  # of a level
_DIFFERENCE = np.sqrt(2.0)  # of two nights has this many times the spread of one


@dataclass(frozen=True, slots=True)
class Segment:
    """Nights between two changes: labels of the first and last, how many had data, and the level's median."""

    first: str
    last: str
    nights: int
    median: float
    ratio: float | None  # of the median over that of the segment before; None of the first


@dataclass(frozen=True, slots=True)
class History:
    """One series in one metric: its nights with data, oldest first, and the levels that explain them."""

    series: "Series"
    metric: str
    nights: tuple[str, ...]
    values: tuple[float, ...]
    segments: tuple[Segment, ...]


def history(points: "pd.DataFrame", series_id: str, metric: str = LATENCY, calendar: Calendar | None = None) -> History:
    """Return the levels of a series over all nights of `points`, whose rows need frames.POINT_COLUMNS.

    Raises:
        UsageError: no nightly run measured the series, or the metric is not judged of it.
    """
    calendar = calendar or Calendar()
    rows = dated(points[points["series_id"] == series_id], calendar)
    of = nights_of(rows, Rule())
    if not of.series:
        raise UsageError(f"no nightly run measured series {series_id!r}; `commbench list` names those in the store")
    if metric not in of.panel.metrics:
        raise UsageError(f"{metric} is not judged of this series; choose one of {', '.join(of.panel.metrics)}")
    worse = of.panel.values[of.panel.metrics.index(metric), :, 0]
    there = np.isfinite(worse)
    nights = tuple(calendar.label(int(number)) for number in of.numbers[there])
    values = np.exp(worse[there] if metric != "busbw_gb_s" else -worse[there])
    ends = change_points(worse[there])
    return History(of.series[0], metric, nights, tuple(values.tolist()), _segments(nights, values, ends))


def change_points(values: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> list[int]:
    """Return the places at which segments of constant level end, the last one included: PELT with squared error.

    The noise's scale is taken from differences of neighbours, which changes of level hardly touch.

    Source: Killick, Fearnhead and Eckley, Optimal detection of changepoints with a linear computational cost, JASA 107
    (2012); ruptures (Truong, Oudre and Vayatis, Signal Processing 167, 2020).
    """
    from ruptures import KernelCPD

    if len(values) < 2 * _LEAST_NIGHTS:
        return [len(values)]
    steps = np.diff(values)
    scale = max(float(mad_scale(steps, np.array(0.0))) / _DIFFERENCE, Rule().floor)
    search = KernelCPD(kernel="linear", min_size=_LEAST_NIGHTS).fit((values / scale)[:, None])
    return [int(end) for end in search.predict(pen=_PENALTY * np.log(len(values)))]


def _segments(
    nights: tuple[str, ...], values: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]", ends: list[int]
) -> tuple[Segment, ...]:
    found: list[Segment] = []
    for first, end in zip([0, *ends[:-1]], ends, strict=True):
        median = float(np.median(values[first:end]))
        ratio = median / found[-1].median if found else None
        found.append(Segment(nights[first], nights[end - 1], end - first, median, ratio))
    return tuple(found)
