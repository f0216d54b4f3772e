"""What the page of a comparison draws: curves over sizes, distributions and ranks, per series and side."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from commbench.analysis.compare_pairs import usable
from commbench.analysis.comparison import Cell, Comparison
from commbench.statistics.histogram import GAMMA
from commbench.units import NS_PER_US

_SERIES = ("collective", "dtype", "redop", "world_size", "in_place", "cadence", "launch", "traffic_skew")
_NULLABLE = ("nodes", "placement")
_METRICS = {"busbw": "busbw_gb_s", "p50": "latency_p50_us", "worst": "latency_max_us"}


@dataclass(frozen=True, slots=True)
class Curve:
    """A metric over sizes: the median of the launches, and the lowest and highest of them."""

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
    series = dict.fromkeys(replace(row.cell, size_bytes=0) for row in comparison.rows)
    return tuple(
        SeriesCurves(cell, *(_side(_of(rows, cell, comparison.compared)) for rows in sides)) for cell in series
    )


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


def _side(rows: pd.DataFrame) -> SideCurves:
    curves = {name: curve for name, column in _METRICS.items() if (curve := _curve(rows, column)) is not None}
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
