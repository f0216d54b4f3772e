"""What a night lacks: whole nights, points that recent nights had, runs that ended well, hosts that were there."""

from typing import TYPE_CHECKING

import pandas as pd

from commbench.analysis.nightly.frames import is_good, series_of
from commbench.analysis.nightly.rule import NIGHTLY
from commbench.analysis.nightly.verdict import FailedRun, Missing, MissingPoint

if TYPE_CHECKING:
    from commbench.analysis.nightly.calendar import Calendar

_RECENT_NIGHTS = 7  # with data: what was measured on most of them is expected
_MOST = 0.5
_WENT_WELL = {"complete", "wrong_result", "contradicted"}  # the latter two are faults, and told as such
_NO_ROW = "no row: it was not in the run's plan, or the run ended before it"


def missing(points: pd.DataFrame, runs: pd.DataFrame, night: int, calendar: "Calendar") -> Missing:
    """Return what the night lacks, by dated rows of `points` and `runs` up to it."""
    gone, new = _hosts(runs, night)
    return Missing(
        nights=_nights(points, runs, night, calendar),
        points=_points(points, night, calendar),
        failed_runs=_failed(runs[runs["night"] == night]),
        hosts_gone=gone,
        hosts_new=new,
    )


def _nights(points: pd.DataFrame, runs: pd.DataFrame, night: int, calendar: "Calendar") -> tuple[str, ...]:
    there = {int(number) for rows in (points, runs) for number in rows[rows["purpose"] == NIGHTLY]["night"].unique()}
    return tuple(
        calendar.label(number) for number in range(min(there, default=night), night + 1) if number not in there
    )


def _points(points: pd.DataFrame, night: int, calendar: "Calendar") -> tuple[MissingPoint, ...]:
    chosen = (points["purpose"] == NIGHTLY) & is_good(points) & (points["night"] < night)
    recent = sorted(points["night"][chosen].unique())[-_RECENT_NIGHTS:]
    before = points[chosen & points["night"].isin(recent)].drop_duplicates(["night", "series_id"])
    counts = before["series_id"].value_counts()
    tonight = points[(points["purpose"] == NIGHTLY) & (points["night"] == night)]
    # A wrong or contradicted point was measured: it is a fault, not a gap.
    there = set(tonight[tonight["status"].isin(["ok", "wrong_result"])]["series_id"])
    expected = counts[counts > _MOST * len(recent)].index.difference(pd.Index(list(there)))
    why = tonight.drop_duplicates("series_id", keep="last").set_index("series_id")
    latest = before[before["series_id"].isin(expected)].drop_duplicates("series_id", keep="last")
    return tuple(
        MissingPoint(series_of(row), calendar.label(int(row["night"])), _why(str(row["series_id"]), why))
        for row in latest.to_dict("records")
    )


def _why(series_id: str, tonight: pd.DataFrame) -> str:
    if series_id not in tonight.index:
        return _NO_ROW
    row = tonight.loc[series_id]
    return f"{row['status']}: {row['error']}" if row["error"] else str(row["status"])


def _failed(tonight: pd.DataFrame) -> tuple[FailedRun, ...]:
    last = tonight.drop_duplicates("run_id", keep="last")
    return tuple(
        FailedRun(str(row["run_id"]), str(row["exit_state"]), str(row["reason"] or ""))
        for row in last.to_dict("records")
        if row["exit_state"] not in _WENT_WELL
    )


def _hosts(runs: pd.DataFrame, night: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    before = runs[runs["night"] < night]
    if before.empty:
        return (), ()
    old, now = _names(before[before["night"] == before["night"].max()]), _names(runs[runs["night"] == night])
    return (tuple(sorted(old - now)), tuple(sorted(now - old))) if now else ((), ())


def _names(runs: pd.DataFrame) -> set[str]:
    return {str(host) for hosts in runs["hosts"] if hosts is not None for host in hosts}
