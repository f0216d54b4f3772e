"""What the page of a comparison draws: curves over sizes, distributions and ranks, per series and side."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from commbench.analysis.compare_metrics import Floats, Side, values_of
from commbench.analysis.compare_pairs import pair_up, usable
from commbench.analysis.comparison import Cell, Comparison
from commbench.statistics.histogram import GAMMA
from commbench.units import NS_PER_US

_SERIES = ("collective", "dtype", "redop", "world_size", "in_place", "cadence", "launch", "traffic_skew")
_NULLABLE = ("nodes", "placement")
_METRICS = {"busbw": "busbw_gb_s", "p50": "latency_p50_us"}
_WORST = "worst"

BySeries = dict[Cell, dict[int, Floats]]  # each launch's number, by size


@dataclass(frozen=True, slots=True)
class Curve:
    """A metric over sizes: the median of the launches, and the lowest and highest of them.

    Of the worst case only sizes where both sides' launches can be held against each other, of equally many calls.
    """

    sizes_bytes: tuple[int, ...]
    middle: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Distribution:
    """How many of the calls of all launches took at most so long: an ECDF within the histogram's 1 %."""

    times_us: tuple[float, ...]
    shares: tuple[float, ...]
    calls: int


@dataclass(frozen=True, slots=True)
class SideCurves:
    """One side of a series: a curve for each of busbw, p50 and worst that has values, distributions by size."""

    curves: Mapping[str, Curve]
    distributions: Mapping[int, Distribution]


@dataclass(frozen=True, slots=True)
class SeriesCurves:
    """A series, whose cell has the size 0, and both of its sides."""

    series: Cell
    a: SideCurves
    b: SideCurves


@dataclass(frozen=True, slots=True)
class Heat:
    """Of each rank, in which share of the calls it came last; one row per size, `sizes_bytes` x `ranks`."""

    sizes_bytes: tuple[int, ...]
    ranks: tuple[int, ...]
    hosts: tuple[str, ...]
    shares: tuple[tuple[float, ...], ...]


def curves_of(comparison: Comparison, a: pd.DataFrame, b: pd.DataFrame) -> tuple[SeriesCurves, ...]:
    """Return the curves of every series that both sides measured; `a` and `b` are the rows that were compared."""
    sides = usable(a), usable(b)
    worst = _worst_cases(*sides, comparison.compared)
    series = dict.fromkeys(replace(row.cell, size_bytes=0) for row in comparison.rows)
    return tuple(
        SeriesCurves(
            cell,
            *(
                _side(_of(rows, cell, comparison.compared), _curve_of(worst_of[cell]))
                for rows, worst_of in zip(sides, worst, strict=True)
            ),
        )
        for cell in series
    )


def _worst_cases(a: pd.DataFrame, b: pd.DataFrame, compared: tuple[str, ...]) -> tuple[BySeries, BySeries]:
    """Return the worst cases of both sides as the table compares them: the longest of more calls is longer by itself.

    Sizes of which there is no such number are missing: the table says why.
    """
    found: tuple[BySeries, BySeries] = defaultdict(dict), defaultdict(dict)
    columns = Side.of(a), Side.of(b)
    for pairs in pair_up(a, b, compared):
        values = values_of(_WORST, *columns, pairs)
        for side, launches in zip(found, (values.a, values.b), strict=True):
            if len(launches) and pairs.cell.size_bytes > 0:
                side[replace(pairs.cell, size_bytes=0)][pairs.cell.size_bytes] = launches
    return found


def _curve_of(launches: Mapping[int, Floats]) -> Curve | None:
    if not launches:
        return None
    ends = (tuple(float(reduce(each)) for each in launches.values()) for reduce in (np.median, np.min, np.max))
    return Curve(tuple(launches), *ends)


def heat_of(ranks: pd.DataFrame, points: pd.DataFrame, cell: Cell, compared: tuple[str, ...]) -> Heat | None:
    """Return who comes last in a series on one side; None where nobody knows."""
    key = ["run_id", "point_id", "attempt"]
    known = _of(usable(points), cell, compared)[[*key, "size_bytes"]].merge(ranks, on=key)
    known = known[known["last_share"].notna()]
    if known.empty:
        return None
    table = known.pivot_table(index="size_bytes", columns="rank", values="last_share", aggfunc="median")
    hosts = known.groupby("rank")["host"].first()
    return Heat(
        tuple(int(size) for size in table.index),
        tuple(int(rank) for rank in table.columns),
        tuple("" if pd.isna(hosts[rank]) else str(hosts[rank]) for rank in table.columns),
        tuple(tuple(float(share) for share in row) for row in table.to_numpy()),
    )


def _of(rows: pd.DataFrame, cell: Cell, compared: tuple[str, ...]) -> pd.DataFrame:
    wanted = {name: getattr(cell, name) for name in (*_SERIES, *_NULLABLE)} | dict(cell.others)
    kept = pd.Series(data=True, index=rows.index)
    for name, value in wanted.items():
        if name in compared:
            continue
        kept &= rows[name].isna() | (rows[name] == value) if value in {None, ""} else rows[name] == value
    return rows[kept]


def _side(rows: pd.DataFrame, worst: Curve | None) -> SideCurves:
    drawn = {name: _curve(rows, column) for name, column in _METRICS.items()} | {_WORST: worst}
    curves = {name: curve for name, curve in drawn.items() if curve is not None}
    groups = rows[rows["hist_bin"].notna()].groupby("size_bytes")
    return SideCurves(curves, {int(str(size)): _distribution(group) for size, group in groups})


def _curve(rows: pd.DataFrame, column: str) -> Curve | None:
    known = rows[(rows[column] > 0) & (rows["size_bytes"] > 0)]
    if known.empty:
        return None
    groups = known.groupby("size_bytes")[column]
    middle, low, high = groups.median(), groups.min(), groups.max()
    return Curve(tuple(int(size) for size in middle.index), tuple(middle), tuple(low), tuple(high))


def _distribution(rows: pd.DataFrame) -> Distribution:
    counts: dict[int, int] = {}
    for bins, in_bins in zip(rows["hist_bin"], rows["hist_count"], strict=True):
        for index, count in zip(bins, in_bins, strict=True):
            counts[int(index)] = counts.get(int(index), 0) + int(count)
    ordered = sorted(counts)
    sums = np.cumsum([counts[index] for index in ordered])
    times = tuple(2 * float(GAMMA) ** index / (GAMMA + 1) / NS_PER_US for index in ordered)
    return Distribution(times, tuple(float(each) for each in sums / sums[-1]), int(sums[-1]))
