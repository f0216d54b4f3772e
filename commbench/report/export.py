"""Points as files for other tools: csv and json with every column as stored, markdown with the ones people quote."""

import json
import math
import re
from collections.abc import Callable
from datetime import datetime
from html import escape

import pandas as pd
from pyarrow.types import is_integer

from commbench.errors import UsageError
from commbench.report.series import imported_tools, require_points
from commbench.report.words import is_null, one_line, p99
from commbench.store.columns import POINTS

# Sixty columns make no table that a person can read in a pull request.
MARKDOWN_COLUMNS = (
    "run_id",
    "collective",
    "world_size",
    "backend",
    "fabric",
    "in_place",
    "cadence",
    "dtype",
    "redop",
    "size_bytes",
    "iterations",
    "latency_p50_us",
    "latency_p99_us",
    "latency_max_us",
    "algbw_gb_s",
    "busbw_gb_s",
    "wrong_count",
    "status",
    "error",
)
PRINTED_COLUMNS = ("printed_time_us", "printed_algbw_gb_s", "printed_busbw_gb_s")  # of imported rows
_MARKDOWN_MARKS = re.compile(r"([\\`*\[\]|])")


def export(points: pd.DataFrame, fmt: str) -> str:
    """Return the points as text in one of FORMATS.

    Raises:
        UsageError: there are no points, or no such format.
    """
    if fmt not in FORMATS:
        raise UsageError(f"no export format {fmt!r}; there are {', '.join(FORMATS)}")
    return FORMATS[fmt](_as_stored(require_points(points)))


def _as_stored(points: pd.DataFrame) -> pd.DataFrame:
    """Return whole numbers as whole numbers: pandas reads a column of them that has nulls as floats."""
    whole = {column.name: "Int64" for column in POINTS if is_integer(column.type) and column.name in points}
    return points.astype(whole)


def _csv(points: pd.DataFrame) -> str:
    return points.to_csv(index=False, lineterminator="\n")


def _json(points: pd.DataFrame) -> str:
    records = [{name: _plain(value) for name, value in row.items()} for row in points.to_dict("records")]
    return json.dumps(records, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _plain(value: object) -> object:
    """Return the value as strict JSON has it: null for nothing and for infinity, ISO 8601 for moments."""
    if is_null(value) or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, datetime):
        return value.isoformat()
    if hasattr(value, "tolist"):  # numpy's scalars and arrays
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | bool | int | float) else str(value)


def _markdown(points: pd.DataFrame) -> str:
    columns = [name for name in MARKDOWN_COLUMNS if name in points]
    if "source" in points and imported_tools(points):
        columns = ["source", *columns, *PRINTED_COLUMNS]
    rule = ["---:" if points[name].dtype.kind in "iuf" else "---" for name in columns]
    quoted = points.assign(latency_p99_us=[p99(row, str) for row in points.to_dict("records")])
    rows = [[markdown_cell(value) for value in row] for row in quoted[columns].itertuples(index=False, name=None)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [columns, rule, *rows])


def markdown_cell(value: object) -> str:
    """Return untrusted text as a cell of a markdown table: one line, without marks that mean something."""
    return escape(_MARKDOWN_MARKS.sub(r"\\\1", one_line(_plain(value))), quote=False)


FORMATS: dict[str, Callable[[pd.DataFrame], str]] = {"csv": _csv, "json": _json, "markdown": _markdown}
