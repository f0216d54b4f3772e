"""Which rows of the store a side of a comparison stands for: `fabric=ib,nodes=4` in words, rows out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches

import pandas as pd
from pyarrow.types import is_boolean, is_floating, is_integer, is_list, is_timestamp

from commbench.errors import UsageError
from commbench.fabric.names import canonical, plain
from commbench.store.columns import POINTS
from commbench.units import parse_size

RUN = "run"  # what people write for run_id
_TYPES = {column.name: column.type for column in POINTS if not (is_list(column.type) or is_timestamp(column.type))}
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
# A comma, or a space before the next column: a fabric may be called "AWS Libfabric".
_BETWEEN = re.compile(r",|\s(?=\s*\w+=)")
_SIZES = ("size_bytes", "requested_bytes")


@dataclass(frozen=True, slots=True)
class Where:
    """Columns of points and the text of the value that each must have; empty selects everything."""

    wanted: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return ", ".join(f"{column}={value}" for column, value in self.wanted) or "everything"

    @property
    def values(self) -> Mapping[str, str]:
        """Return the wanted text by column."""
        return dict(self.wanted)

    def plus(self, other: "Where") -> "Where":
        """Return what both ask for; where both name a column, the other one's value counts."""
        return Where(tuple({**self.values, **other.values}.items()))


def column_called(name: str) -> str:
    """Return the column of points that a name on the command line means.

    Raises:
        UsageError: there is no such column, or rows cannot be selected by it.
    """
    column = "run_id" if name == RUN else name
    if column in _TYPES:
        return column
    close = get_close_matches(name, [RUN, *_TYPES], n=1)
    hint = f"did you mean {close[0]!r}?" if close else "docs/store.md lists the columns of points"
    raise UsageError(f"points cannot be selected by {name!r}; {hint}")


def parse_where(text: str) -> Where:
    """Return the selection that `fabric=ib, nodes=4` asks for; commas or spaces stand between its parts.

    Raises:
        UsageError: a part is not `column=value`, names no column, or a column is named twice.
    """
    wanted: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in _BETWEEN.split(text))):
        name, is_there, value = part.partition("=")
        if not is_there:
            raise UsageError(
                f"{part!r} in {text!r} selects nothing; write column=value, such as fabric=ib or run=latest"
            )
        column = column_called(name.strip())
        if column in wanted:
            raise UsageError(f"{text!r} asks for {name} twice; one value each")
        wanted[column] = value.strip()
    return Where(tuple(wanted.items()))


def select(points: pd.DataFrame, where: Where) -> pd.DataFrame:
    """Return the rows that have the wanted values; fabrics go by any of their names.

    Raises:
        UsageError: a value is none that its column can have.
    """
    kept = pd.Series(data=True, index=points.index)
    for column, text in where.wanted:
        kept &= _has(points[column], column, text)
    return points[kept]


def _has(values: "pd.Series[str]", column: str, text: str) -> "pd.Series[bool]":
    kind = _TYPES[column]
    if is_boolean(kind):
        return values.astype(object) == _truth(column, text)
    if is_integer(kind) or is_floating(kind):
        return values == _number(column, text)
    texts = values.fillna("")
    return texts.isin(_fabrics(texts, text) if column == "fabric" else {text})


def _fabrics(values: "pd.Series[str]", text: str) -> set[str]:
    """Return the names that a fabric's text stands for; one that was measured is no mistake, whatever it is like."""
    return {text, plain(text)} if (values == text).any() else {text, canonical(text)}


def _truth(column: str, text: str) -> bool:
    if text.lower() not in _TRUTHS:
        raise UsageError(f"{column}={text}: write true or false")
    return _TRUTHS[text.lower()]


def _number(column: str, text: str) -> float:
    if column in _SIZES:
        return parse_size(text)
    try:
        return float(text)
    except ValueError as error:
        raise UsageError(f"{column}={text}: {text!r} is no number") from error


def split(points: pd.DataFrame, column: str, scope: str) -> tuple[Where, Where]:
    """Return the two selections that the values of a column make of the rows, in the order in which they were measured.

    Raises:
        UsageError: the rows have one value, or more than two; the message names them.
    """
    found = points.sort_values("started_at", kind="stable")[column].dropna().drop_duplicates()
    values = [str(value) for value in found]
    if len(values) == 2:  # noqa: PLR2004 - a comparison has two sides
        return Where(((column, values[0]),)), Where(((column, values[1]),))
    said = ", ".join(values[:10]) or "none"
    remedy = (
        f"name two of them: commbench compare A B --by {column}"
        if len(values) > 1
        else "measure another one, or name other runs with --where run=..."
    )
    raise UsageError(f"{scope} has {len(values)} values of {column} ({said}) where two are compared; {remedy}")
