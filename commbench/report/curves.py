"""The charts of one collective as plotly figures: bandwidth against size, and time against size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape

import pandas as pd

from commbench.model.result import Status
from commbench.report.series import Series
from commbench.report.ticks import size_axis, value_axis
from commbench.report.words import bandwidth, imported_from, is_null, one_line, outcome, p99, whole
from commbench.units import format_size, format_time_us

Figure = dict[str, object]

# Okabe and Ito's colours for all kinds of sight, without the yellow and the black that a page's ground can swallow.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8A8A8A")
# Eight symbols against seven colours: 56 lines before a pair repeats.
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "star", "hexagon", "pentagon")
WRONG_SYMBOL = "x"
_MARKER_SIZE, _WRONG_SIZE = 7, 12


@dataclass(frozen=True, slots=True)
class Style:
    """How one line looks in every chart."""

    colour: str
    symbol: str


def styles(labels: Sequence[str]) -> dict[str, Style]:
    """Return one look per label, in order of first appearance."""
    unique = dict.fromkeys(labels)
    return {
        label: Style(PALETTE[index % len(PALETTE)], SYMBOLS[index % len(SYMBOLS)]) for index, label in enumerate(unique)
    }


def bandwidth_figure(lines: Sequence[Series], looks: Mapping[str, Style]) -> Figure | None:
    """Return busbw in GB/s against size, of imported points that of the mean, or None when no point has one."""
    column = "busbw_gb_s"
    lines = [replace(line, points=_with_bandwidth(line.points)) for line in lines]
    traces = [_trace(line, column, looks[line.label]) for line in lines if not _drawable(line.points, column).empty]
    return _figure(traces, lines, [column], "busbw (GB/s)") if traces else None


def _with_bandwidth(points: pd.DataFrame) -> pd.DataFrame:
    """Return the points with what another tool gives in place of the bandwidths of the p50."""
    if not imported_from(points.iloc[0].to_dict()):
        return points
    means = {}
    for name in ("algbw", "busbw"):
        means[f"{name}_gb_s"] = points[f"{name}_mean_gb_s"].fillna(points[f"printed_{name}_gb_s"])
    return points.assign(**means)


def time_figure(lines: Sequence[Series], looks: Mapping[str, Style]) -> Figure | None:
    """Return the median (solid) and the longest call (dotted) against size, or None when nothing was timed."""
    traces = []
    for line in lines:
        if _drawable(line.points, "latency_p50_us").empty:
            continue
        traces.append(_trace(line, "latency_p50_us", looks[line.label]))
        traces.append(_trace(line, "latency_max_us", looks[line.label], is_worst=True))
    return _figure(traces, lines, ["latency_p50_us", "latency_max_us"], "time of a call") if traces else None


def _drawable(points: pd.DataFrame, column: str) -> pd.DataFrame:
    # A log axis has no zero: bandwidth on a single rank, or a time below the timer's step.
    return points[(points["size_bytes"] > 0) & (points[column] > 0)]


def _trace(line: Series, column: str, look: Style, *, is_worst: bool = False) -> dict[str, object]:
    points = _drawable(line.points, column)
    is_wrong = points["status"] == Status.WRONG
    name = escape(line.label)  # plotly reads a few HTML tags in any text
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": f"{name}, worst" if is_worst else name,
        "legendgroup": name,
        "showlegend": not is_worst,
        "x": points["size_bytes"].tolist(),
        "y": points[column].tolist(),
        "hovertext": [_hover(line.label, row) for _, row in points.iterrows()],
        "hoverinfo": "text",
        "line": {"color": look.colour, "width": 1.5 if is_worst else 2, "dash": "dot" if is_worst else "solid"},
        "marker": {
            "color": look.colour,
            "opacity": 1,
            "line": {"width": 1 if is_worst else 0},
            "symbol": [WRONG_SYMBOL if wrong else f"{look.symbol}{'-open' if is_worst else ''}" for wrong in is_wrong],
            "size": [_WRONG_SIZE if wrong else _MARKER_SIZE - 2 * is_worst for wrong in is_wrong],
        },
    }


def _hover(label: str, row: "pd.Series[float]") -> str:
    times = {name: _time(row[f"latency_{name}_us"]) for name in ("p50", "p95")}
    times["p99"] = escape(p99(row.to_dict(), _time)) or _time(None)
    lines = [
        f"<b>{format_size(int(row['size_bytes']))}</b>  {escape(label)}",
        "  ".join(f"{title} {value}" for title, value in times.items()),
        f"worst {_time(row['latency_max_us'])} of {whole(row['iterations'])} calls",
        escape(one_line(row["blame"])),
        f"algbw {bandwidth(row['algbw_gb_s'])}  busbw {bandwidth(row['busbw_gb_s'])} GB/s",
        escape(outcome(row.to_dict())) or "status ok",
        "" if row["converged"] or imported_from(row.to_dict()) else "stopped at its limit before it converged",
    ]
    return "<br>".join(line for line in lines if line)


def _time(value: object) -> str:
    return "unknown" if is_null(value) else format_time_us(float(str(value)))


def _figure(traces: list[dict[str, object]], lines: Sequence[Series], columns: list[str], title: str) -> Figure:
    shown = [_drawable(line.points, column) for line in lines for column in columns]
    values = [value for points, column in zip(shown, columns * len(lines), strict=True) for value in points[column]]
    sizes = [size for points in shown for size in points["size_bytes"]]
    text = format_time_us if columns[0].startswith("latency") else _plain_number
    x, y = size_axis(sizes), value_axis(values, text)
    return {
        "data": traces,
        "layout": {
            "xaxis": {**x, "title": {"text": "message size", "standoff": 12}},
            "yaxis": {**y, "title": {"text": title}},
        },
    }


def _plain_number(value: float) -> str:
    return f"{value:g}"
