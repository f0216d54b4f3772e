"""Points as text: nccl-tests' columns, then the ones it lacks, readable at 100 characters and without colour."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from textwrap import wrap

import pandas as pd

from commbench.model.dtype import E4M3
from commbench.model.evidence import worst
from commbench.model.placement import PLACEMENTS
from commbench.report import series
from commbench.report.words import (
    SIMULATED_NOTE,
    Row,
    bandwidth,
    count_of,
    imported_note,
    is_null,
    mean_bandwidth,
    mean_time,
    one_line,
    outcome,
    p99,
    time_us,
    whole,
    wrong,
)

WIDTH = 100
_INDENT = 4  # of words that follow a row
_P99_WIDTH = 8
_LEGEND = (
    "time = mean over calls; algbw and busbw follow from it, as in nccl-tests",
    "p50, p99, worst = latency after the last arrival; p99 of a launch: - below 299 calls, <= below 368",
    "worst = of n calls; the chance that the next one is slower is at most 1 - 0.05^(1/n), about 3/n",
)
_LEGEND_OF_OTHERS = "imported: time as the tool printed and defines it (docs/import.md)"

# Rows of one block; element type and reduction have columns of their own.
_BLOCK = ("collective", *(name for name in series.VARIABLES if name not in {"dtype", "redop"}))


@dataclass(frozen=True, slots=True)
class Column:
    """One column: title, unit, width in characters, and the cell's text from a row of the points frame."""

    title: str
    unit: str
    width: int
    cell: Callable[[Row], str]


def _text(name: str) -> Callable[[Row], str]:
    return lambda row: one_line(row.get(name))


def _whole(name: str) -> Callable[[Row], str]:
    return lambda row: whole(row.get(name))


def _time(name: str) -> Callable[[Row], str]:
    return lambda row: time_us(row.get(name))


def _bandwidth(name: str) -> Callable[[Row], str]:
    return lambda row: bandwidth(row.get(name))


def _dtype(row: Row) -> str:
    """Return the element type, in the eight letters that the column has."""
    dtype = one_line(row.get("dtype"))
    return "e4m3" if dtype == E4M3 else dtype


def _mean_bandwidth(name: str) -> Callable[[Row], str]:
    return lambda row: mean_bandwidth(row, name)


def _p99(row: Row) -> str:
    """Return what is known of the p99; a bound too long for the column is the worst case, printed beside it."""
    said = p99(row)
    return said if len(said) <= _P99_WIDTH else "<=worst"


_SIZE = Column("size", "(B)", 11, _whole("size_bytes"))
_KIND = (Column("type", "", 8, _dtype), Column("redop", "", 5, _text("redop")))
_P50 = Column("p50", "(us)", 8, _time("latency_p50_us"))
_P95 = Column("p95", "(us)", 8, _time("latency_p95_us"))
_TAIL = (Column("p99", "(us)", _P99_WIDTH, _p99), Column("worst", "(us)", 8, _time("latency_max_us")))
_WRONG = Column("#wrong", "", 6, wrong)
_CALLS = Column("n", "", 5, _whole("iterations"))

_IDENTITY = (_SIZE, Column("count", "(elem)", 10, _whole("count")), *_KIND)
_RESULT = (
    Column("time", "(us)", 8, mean_time),  # the mean, as in nccl-tests; so are its bandwidths
    Column("algbw", "(GB/s)", 6, _mean_bandwidth("algbw")),
    Column("busbw", "(GB/s)", 6, _mean_bandwidth("busbw")),
    _WRONG,
    _P50,
    *_TAIL,
    _CALLS,
)
_WIDE_RESULT = (*_RESULT[:-3], _P95, *_RESULT[-3:])

_LIVE_IDENTITY = (
    Column("collective", "", 14, _text("collective")),
    Column("ranks", "", 5, _whole("world_size")),
    Column("size", "(B)", 10, _whole("size_bytes")),
    *_KIND,
)
_LIVE_RESULT = (
    _P50,
    *_TAIL,
    Column("algbw", "(GB/s)", 6, _bandwidth("algbw_gb_s")),
    Column("busbw", "(GB/s)", 6, _bandwidth("busbw_gb_s")),
    Column("#wrong", "", 6, wrong),
    Column("n", "", 4, _whole("iterations")),
)


def show(points: pd.DataFrame, width: int = WIDTH) -> str:
    """Return the points as a table 100 characters wide; p95 is shown where `width` has room for it.

    Raises:
        UsageError: there are no points.
    """
    points = series.with_source(series.require_points(points))
    wide = [*_IDENTITY, *_WIDE_RESULT]
    result = _WIDE_RESULT if width >= _line_width(wide) else _RESULT
    said = _said(points)
    blocks = [_block(group, said, result, max(width, WIDTH)) for group in series.groups(points, _BLOCK)]
    tools = series.imported_tools(points)
    notes = [SIMULATED_NOTE] if points["is_simulated"].any() else []
    notes += [imported_note(", ".join(tools))] if tools else []
    note = [*(f"# {words}" for words in notes), *([""] if notes else [])]
    of_others = [_LEGEND_OF_OTHERS] if tools else []
    legend = [f"# {line}" for line in (*_LEGEND, *of_others, totals(points["status"]))]
    return "\n".join([*note, "\n\n".join(blocks), "", *legend]) + "\n"


def header_line() -> str:
    """Return the header of `point_line`'s rows: one line of titles, one of units."""
    return _header([*_LIVE_IDENTITY, *_LIVE_RESULT])


def point_line(row: Row) -> str:
    """Return one finished point as one row; whatever went wrong follows in words.

    The row has the names of the points frame; the time and the bandwidths are those of the median call.
    """
    return _row(row, _LIVE_IDENTITY, _LIVE_RESULT, WIDTH)


def totals(statuses: Iterable[object]) -> str:
    """Return how many points there are of each status: `5 points: 4 ok, 1 skipped`."""
    counts = Counter(str(status) for status in statuses)
    parts = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in counts.items())
    return f"{count_of(counts.total(), 'point')}: {parts}"


def _said(points: pd.DataFrame) -> tuple[str, ...]:
    runs = () if points["run_id"].nunique() == 1 else ("run_id",)
    plain = {"launch": "host", "traffic_skew": 0.0}  # not worth saying when it is so everywhere
    return (
        *(["gradients"] if points["gradients"].map(_is_said).any() else []),
        "world_size",
        "nodes",
        "backend",
        "fabric",
        "in_place",
        "cadence",
        *(["placement"] if points["placement"].isin(PLACEMENTS).any() else []),
        *(name for name, value in plain.items() if (points[name] != value).any()),
        "shared_gpu",
        "source",
        *runs,
    )


def _is_said(value: object) -> bool:
    return not is_null(value) and bool(value)


def _block(group: pd.DataFrame, said: Sequence[str], result: Sequence[Column], width: int) -> str:
    rows = [row.to_dict() for _, row in group.sort_values("size_bytes", kind="stable").iterrows()]
    note = f"  [{SIMULATED_NOTE}]" if rows[0]["is_simulated"] else ""
    title = f"# {one_line(rows[0]['collective'])}: {series.label(rows[0], said)}{_proof(rows)}{note}"
    lines = [_row(row, _IDENTITY, result, width) for row in rows]
    return "\n".join([title, _header([*_IDENTITY, *result]), *lines])


def _proof(rows: Sequence[Row]) -> str:
    """Return whether the fabric is known to have carried the bytes, at worst; empty where nobody asked for one."""
    verdict = worst(tuple(str(row["fabric_verdict"]) for row in rows if not is_null(row.get("fabric_verdict"))))
    return f" ({verdict})" if verdict else ""


def _header(columns: Sequence[Column]) -> str:
    lines = (" ".join(getattr(column, part).rjust(column.width) for column in columns) for part in ("title", "unit"))
    return "\n".join(f"#{line[1:]}".rstrip() for line in lines)


def _row(row: Row, identity: Sequence[Column], result: Sequence[Column], width: int) -> str:
    start = _cells(row, identity)
    words = outcome(row)
    if not words:
        return "\n".join([f"{start} {_cells(row, result)}", *_parts(row)])
    if row.get("iterations"):
        note = [" " * _INDENT + line for line in wrap(words, width - _INDENT)]
        return "\n".join([f"{start} {_cells(row, result)}", *_parts(row), *note])
    first, *rest = wrap(words, width - len(start) - 1)
    return "\n".join([f"{start} {first}", *(f"{'':{len(start)}} {line}" for line in rest)])


def _parts(row: Row) -> list[str]:
    """Return the parts of a bucketed collective's call as a line; no line for other calls."""
    if is_null(row.get("pack_p50_us")):
        return []
    parts = ", ".join(f"{name} {time_us(row[f'{name}_p50_us'])}" for name in ("pack", "communication", "unpack"))
    return [f"{'':{_INDENT}}p50 of parts (us): {parts}"]


def _cells(row: Row, columns: Sequence[Column]) -> str:
    return " ".join(column.cell(row).rjust(column.width) for column in columns)


def _line_width(columns: Sequence[Column]) -> int:
    return sum(column.width + 1 for column in columns) - 1
