"""What people decided, from the rows of `incidents`: accepted levels and muted series."""

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from commbench.analysis.nightly.panel import Acceptance

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray

    from commbench.analysis.nightly.calendar import Calendar

_Row = Mapping[Hashable, Any]
_ACCEPTED, _MUTED, _UNMUTED = "accepted", "muted", "unmuted"


def muted(incidents: "pd.DataFrame", at: "datetime") -> frozenset[str]:
    """Return the series_ids that are muted at a time: the last word on each counts, until its end."""
    silent: set[str] = set()
    for row in _rows(incidents, (_MUTED, _UNMUTED)):
        ids = set(_series_ids(row, incidents))
        until = row["until"]
        if row["event"] == _MUTED and (_is_none(until) or until > at):
            silent |= ids
        else:
            silent -= ids
    return frozenset(silent)


def acceptances(
    incidents: "pd.DataFrame", numbers: "NDArray[np.int64]", ids: tuple[str, ...], calendar: "Calendar"
) -> tuple[Acceptance, ...]:
    """Return the accepted levels on the axes of a panel, whose nights have `numbers` [N] and series `ids` [S].

    A word counts from the last night that was measured when it was spoken, so that judging that night again is green.
    """
    found: list[Acceptance] = []
    for row in _rows(incidents, (_ACCEPTED,)):
        series = np.isin(np.array(ids, dtype=object), list(_series_ids(row, incidents)))
        night = int(np.searchsorted(numbers, calendar.number(row["at"].to_pydatetime()), side="right")) - 1
        since = row["since"]
        if _is_none(since):
            since = _first_known(row["incident_id"], incidents)
        first = night if since is None else int(np.searchsorted(numbers, calendar.number(since.to_pydatetime())))
        if series.any() and night >= 0:
            found.append(Acceptance(series, min(first, night), night))
    return tuple(found)


def _rows(incidents: "pd.DataFrame", events: tuple[str, ...]) -> list[_Row]:
    own = incidents[incidents["event"].isin(events)].sort_values("at", kind="stable")
    return list(own.to_dict("records"))


def _series_ids(row: _Row, incidents: "pd.DataFrame") -> tuple[str, ...]:
    """Return the series that a row is about: its own, else all that its incident ever had."""
    if _has(row["series_ids"]):
        return tuple(str(each) for each in row["series_ids"])
    same = incidents[incidents["incident_id"] == row["incident_id"]]["series_ids"]
    return tuple({str(each) for ids in same if _has(ids) for each in ids})


def _first_known(incident_id: str, incidents: "pd.DataFrame") -> "pd.Timestamp | None":
    since = incidents[incidents["incident_id"] == incident_id]["since"].dropna()
    return None if since.empty else since.min()


def _is_none(time: object) -> bool:
    """Return whether a time is not given: None or NaT."""
    return bool(pd.isna(pd.Series([time], dtype=object)).iloc[0])


def _has(ids: object) -> bool:
    return hasattr(ids, "__len__") and not isinstance(ids, str) and len(ids) > 0
