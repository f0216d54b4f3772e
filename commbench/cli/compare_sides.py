"""The two sides of a comparison, as they were asked for on the command line."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pandas as pd

from commbench.analysis.compare import COLUMNS, RUN_COLUMNS, Selected
from commbench.analysis.compare_select import Where, column_called, parse_where, select, split
from commbench.analysis.compare_suite import decided_share
from commbench.analysis.comparison import Margin
from commbench.analysis.launches import needed
from commbench.errors import UsageError

if TYPE_CHECKING:
    from commbench.store.store import Store

_TWO = 2
_BARE = ("fabric", "run_id", "cluster", "backend")  # columns whose values need no name before them


@dataclass(frozen=True, slots=True)
class Asked:
    """The words of the command line: names A and B, the column they are values of, and the selections."""

    names: tuple[str, ...] = ()
    by: str = "run"
    where_a: str = ""
    where_b: str = ""
    where: str = ""


def sides(store: "Store", asked: Asked) -> tuple[Selected, Selected, tuple[str, ...]]:
    """Return both sides with their rows, and the columns in which they differ on purpose.

    Raises:
        UsageError: it is not clear what is to be compared, or something asked for does not exist.
    """
    common = _resolved(store, parse_where(asked.where))
    index = store.points(columns=_columns_read_first(asked))
    a, b, scope = _wheres(store, asked, select(index, common))
    wheres = [common.plus(scope).plus(each) for each in (a, b)]
    found = [select(index, where) for where in wheres]
    called = [_as_measured(where, rows) for where, rows in zip(wheres, found, strict=True)]
    of_a, of_b = (each.values for each in called)
    compared = tuple(name for name in dict((*a.wanted, *b.wanted)) if of_a.get(name) != of_b.get(name))
    if not compared:
        raise UsageError(f"both sides ask for {a}; write two selections that differ")
    points = _read(store, pd.concat(found)["started_at"])
    runs = store.runs(columns=RUN_COLUMNS)
    names = [_name(each, compared) for each in called]
    first, second = (_selected(name, where, points, runs) for name, where in zip(names, wheres, strict=True))
    return first, second, compared


def margin_of(a: Selected, b: Selected, compared: tuple[str, ...]) -> Margin:
    """Return the margin of a comparison for which none is given: between fabrics, that of the runs' own suites."""
    share = decided_share(pd.concat([a.runs, b.runs])) if compared == ("fabric",) else None
    return Margin(share) if share else Margin()


def _columns_read_first(asked: Asked) -> list[str]:
    """Return the columns that tell which rows are meant, before those rows are read whole."""
    wheres = (parse_where(text) for text in (asked.where, asked.where_a, asked.where_b))
    named = [column for where in wheres for column in where.values]
    return list(dict.fromkeys(["run_id", "started_at", column_called(asked.by), *named]))


def _wheres(store: "Store", asked: Asked, index: pd.DataFrame) -> tuple[Where, Where, Where]:
    """Return what selects each side, and what both are narrowed to where nothing else is said."""
    if asked.where_a or asked.where_b:
        if asked.names or not (asked.where_a and asked.where_b):
            raise UsageError("write both --a and --b, and no names beside them: they say what the two sides are")
        a, b = (_resolved(store, parse_where(text)) for text in (asked.where_a, asked.where_b))
        return a, b, Where()
    column = column_called(asked.by)
    if len(asked.names) == _TWO:
        a, b = (_resolved(store, Where(((column, name),))) for name in asked.names)
        return a, b, Where()
    if asked.names or column == "run_id":
        raise UsageError("compare two: commbench compare A B (runs), A B --by fabric, or --a WHERE --b WHERE")
    scope = _latest_run_with_both(index, column)
    a, b = split(select(index, scope), column, str(scope) if scope.wanted else store.place)
    return a, b, scope


def _latest_run_with_both(index: pd.DataFrame, column: str) -> Where:
    """Return the newest run that measured several values of the column; everything where none did."""
    values = index.groupby("run_id")[column].nunique()
    several = index[index["run_id"].isin(values.index[values > 1])]
    if several.empty:
        return Where()
    return Where((("run_id", str(several.sort_values("started_at", kind="stable")["run_id"].iloc[-1])),))


def _resolved(store: "Store", where: Where) -> Where:
    """Return the selection with whole run ids for `latest` and beginnings of ids."""
    return Where(
        tuple((column, store.resolve_run(text) if column == "run_id" else text) for column, text in where.wanted)
    )


def _as_measured(where: Where, rows: pd.DataFrame) -> Where:
    """Return the selection with its fabric called as the rows call it, not as it was typed: `ib` is infiniband."""
    if "fabric" not in where.values or rows["fabric"].nunique() != 1:
        return where
    return where.plus(Where((("fabric", str(rows["fabric"].dropna().iloc[0])),)))


def _name(where: Where, compared: tuple[str, ...]) -> str:
    values = where.values
    parts = [values[name] if name in _BARE else f"{name}={values[name]}" for name in compared if name in values]
    return " ".join(parts) or "the rest"


def _read(store: "Store", started_at: "pd.Series[pd.Timestamp]") -> pd.DataFrame:
    """Return the last attempts at all points that began in the time of the selected ones."""
    if started_at.empty:
        return store.points(columns=COLUMNS, until=datetime.fromtimestamp(0, UTC))
    since, until = started_at.min().to_pydatetime(), started_at.max().to_pydatetime() + timedelta(microseconds=1)
    return needed(store.latest_attempts(store.points(columns=(*COLUMNS, "error"), since=since, until=until)))


def _selected(name: str, where: Where, points: pd.DataFrame, runs: pd.DataFrame) -> Selected:
    rows = select(points, where)
    return Selected(name, str(where), rows, runs[runs["run_id"].isin(set(rows["run_id"]))])
