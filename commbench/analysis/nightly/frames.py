"""Frames of `points` as a panel: which nights there are, what was measured on each, and by whom."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from commbench.analysis.nightly.panel import NO_HOSTS, Panel
from commbench.analysis.nightly.rule import BANDWIDTH, CONFIRM, LATENCY, NIGHTLY, TAIL, Rule
from commbench.analysis.nightly.scopes import groups_of
from commbench.analysis.nightly.verdict import Series
from commbench.errors import UsageError
from commbench.model.evidence import Verdict
from commbench.model.point import STREAMING
from commbench.model.result import Status
from commbench.statistics.robust import nan_median

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from numpy.typing import NDArray

    from commbench.analysis.nightly.calendar import Calendar

P99 = "latency_p99_us"
_MEAN_BANDWIDTH = "busbw_mean_gb_s"
_SERIES = (
    "cluster", "collective", "size_bytes", "dtype", "world_size", "nodes", "in_place", "backend", "fabric", "cadence",
    "launch",
)  # fmt: skip
# What `judge` needs of points and runs: read no more of a large store.
POINT_COLUMNS = (
    "run_id", "session", "point_id", "attempt", "series_id", "started_at", "purpose", *_SERIES, "placement", "status",
    "error", "launch_index", LATENCY, P99, TAIL, BANDWIDTH, _MEAN_BANDWIDTH, "hosts_id", "hosts", "fabric_verdict",
    "fabric_reason",
)  # fmt: skip
RUN_COLUMNS = (
    "run_id", "session", "started_at", "purpose", "suite", "cluster", "exit_state", "reason", "hosts", "env_id",
    "environment_json", "evidence_json",
)  # fmt: skip
_SAME = 1e-6  # metrics whose logarithms differ by a constant up to this say the same
_MOST_REPEATS = 6


@dataclass(frozen=True, slots=True)
class Nights:
    """A panel with what its axes stand for: `numbers` [N] in the calendar, `series` [S], `rows` of all its points.

    `p99_us` is [N, S], the median of the night's measurements.
    """

    panel: Panel
    numbers: "NDArray[np.int64]"
    series: tuple[Series, ...]
    p99_us: "NDArray[np.float64]"


def dated(points: pd.DataFrame, calendar: "Calendar") -> pd.DataFrame:
    """Return the rows of nightly runs and their re-runs with `night`, the number of their run's night.

    Raises:
        UsageError: the rows are of several clusters.
    """
    own = points[points["purpose"].isin([NIGHTLY, CONFIRM])]
    clusters = sorted(own["cluster"].dropna().unique())
    if len(clusters) > 1:
        raise UsageError(f"these nights are of several clusters: {', '.join(clusters)}; judge one at a time")
    began = own.groupby("run_id")["started_at"].min()
    numbers = {run: _number(str(run), at, calendar) for run, at in began.items()}
    of_run = own.groupby("run_id")["started_at"].transform("min")  # not map: an empty frame keeps its types
    return own.assign(night=own["run_id"].map(numbers).astype("int64"), began=of_run)


def _number(run_id: str, at: pd.Timestamp, calendar: "Calendar") -> int:
    if run_id in calendar.by_hand:
        return calendar.number_of(calendar.by_hand[run_id])
    return calendar.number(at.to_pydatetime())


def is_good(rows: pd.DataFrame) -> "pd.Series[bool]":
    """Return which rows may be judged and enter a baseline: right results, over the fabric that they claim."""
    return (rows["status"] == Status.OK) & (rows["fabric_verdict"].fillna("") != Verdict.CONTRADICTED)


def nights_of(rows: pd.DataFrame, rule: Rule) -> Nights:
    """Return the panel of dated rows; rows that are not good are left out."""
    rows = rows[is_good(rows)]
    series = rows.drop_duplicates("series_id").sort_values(["fabric", "collective", "nodes", "size_bytes", "series_id"])
    measured = _measured(rows)
    numbers = np.sort(measured["night"].unique()).astype(np.int64)
    ids = series["series_id"].to_numpy()
    place = (
        np.searchsorted(numbers, measured["night"]),
        pd.Index(ids).get_indexer(measured["series_id"]),
        measured["place"].to_numpy(),
    )
    depth = 1 + max(rule.repeats, int(measured["place"].max()) if len(measured) else 0)
    shape = (len(numbers), len(ids), depth)
    cubes = {name: _cube(measured[name], place, shape) for name in (LATENCY, BANDWIDTH, TAIL, P99)}
    hosts, sets, names = _hosts(rows, measured, place, shape)
    metrics = _metrics(cubes)
    every = np.stack([cubes[name] if name != BANDWIDTH else -cubes[name] for name in metrics])
    said = [{name: str(row[name]) for name in ("fabric", "collective", "nodes")} for row in series.to_dict("records")]
    panel = Panel(
        metrics=metrics,
        is_tail=np.array([name == TAIL for name in metrics]),
        values=np.ascontiguousarray(every[..., 0]),
        repeats=np.ascontiguousarray(every[..., 1:]),
        classes=series.groupby(["fabric", "size_bytes"], dropna=False).ngroup().to_numpy().astype(np.int64),
        groups=groups_of(said),
        hosts=hosts,
        host_sets=sets,
        host_names=names,
        series_ids=tuple(str(each) for each in ids),
    )
    p99_us = np.exp(np.where(np.isfinite(cubes[P99]), cubes[P99], np.nan))
    return Nights(panel, numbers, tuple(series_of(row) for row in series.to_dict("records")), nan_median(p99_us))


def series_of(row: "Mapping[Hashable, Any]") -> Series:
    """Return the series that a row of points belongs to."""
    return Series(
        series_id=str(row["series_id"]),
        cluster=_word(row["cluster"]),
        collective=_word(row["collective"]),
        size_bytes=int(row["size_bytes"]),
        dtype=_word(row["dtype"]),
        world_size=int(row["world_size"]),
        nodes=int(row["nodes"]),
        in_place=bool(row["in_place"]),
        backend=_word(row["backend"]),
        fabric=_word(row["fabric"]),
        cadence=_word(row["cadence"]),
        launch=_word(row["launch"]),
        placement=_word(row.get("placement")),
    )


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _measured(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row per run and series: the median of its launches as logarithms, and `place` among the night's.

    The night's own run comes first, then all others as they were started: the suspects measured again.
    """
    streaming = rows["cadence"] == STREAMING
    own = rows.assign(
        **{BANDWIDTH: rows[BANDWIDTH].where(~streaming, rows[_MEAN_BANDWIDTH])},
        is_repeat=rows["purpose"] != NIGHTLY,
    )
    by = ["night", "series_id", "is_repeat", "began", "run_id"]
    names = [LATENCY, BANDWIDTH, TAIL, P99]
    own[names] = own[names].astype("float64")
    grouped = own.groupby(by, sort=True)
    found = grouped[names].median().join(grouped["hosts_id"].first()).reset_index()
    found[TAIL] = _tail(found)
    found[names] = np.log(found[names].where(found[names] > 0))
    found["place"] = found.groupby(["night", "series_id"]).cumcount()
    return found[found["place"] <= _MOST_REPEATS]


def _tail(found: pd.DataFrame) -> "pd.Series[float]":
    """Return the tail's column; of series that never had it, from before there was one, the p99."""
    has = found[TAIL].notna().groupby(found["series_id"]).transform("any")
    return found[TAIL].where(has, found[P99])


def _cube(
    values: "pd.Series[float]", place: "tuple[NDArray[np.int64], ...]", shape: tuple[int, ...]
) -> "NDArray[np.float64]":
    cube = np.full(shape, np.nan)
    cube[place] = values.to_numpy(dtype=np.float64)
    return cube


def _metrics(cubes: "Mapping[str, NDArray[np.float64]]") -> tuple[str, ...]:
    """Return what to judge: the bandwidth only where it is not the latency's other face, the tail if there is any."""
    names = [LATENCY]
    both = cubes[LATENCY][..., 0] + cubes[BANDWIDTH][..., 0]
    if both.size and np.isfinite(both).any():
        spread = np.nanmax(both, axis=0, initial=-np.inf, where=np.isfinite(both)) - np.nanmin(
            both, axis=0, initial=np.inf, where=np.isfinite(both)
        )
        if (spread[np.isfinite(spread)] > _SAME).any():
            names.append(BANDWIDTH)
    elif np.isfinite(cubes[BANDWIDTH]).any():
        names.append(BANDWIDTH)
    if np.isfinite(cubes[TAIL]).any():
        names.append(TAIL)
    return tuple(names)


def _hosts(
    rows: pd.DataFrame, measured: pd.DataFrame, place: "tuple[NDArray[np.int64], ...]", shape: tuple[int, ...]
) -> "tuple[NDArray[np.int64], NDArray[np.bool_], tuple[str, ...]]":
    """Return which set of hosts [N, S, 1 + R] made each measurement, the sets [K, H], and the hosts' names [H]."""
    known = rows[rows["hosts"].notna() & rows["hosts_id"].notna()].drop_duplicates("hosts_id")
    lists = {
        str(key): [str(host) for host in hosts]
        for key, hosts in zip(known["hosts_id"], known["hosts"].tolist(), strict=True)
    }
    names = sorted({host for hosts in lists.values() for host in hosts})
    column = {host: number for number, host in enumerate(names)}
    sets = np.zeros((max(1, len(lists)), len(names)), bool)
    for number, hosts in enumerate(lists.values()):
        sets[number, [column[host] for host in hosts]] = True
    which = {key: number for number, key in enumerate(lists)}
    cube = np.full(shape, NO_HOSTS, np.int64)
    cube[place] = measured["hosts_id"].map(which).fillna(NO_HOSTS).to_numpy(dtype=np.int64)
    return cube, sets, tuple(names)
