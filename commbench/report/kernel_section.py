"""The kernel benchmark on the page: a roofline picture, every case, and the targets."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from commbench.model.result import Status
from commbench.report.curves import Figure, Style, styles
from commbench.report.kernel_table import (
    ON_CPU,
    TITLES,
    WORK,
    cells,
    cold_words,
    competitor_words,
    notes,
    require_kernel,
    target_words,
    why_not,
    work_words,
)
from commbench.report.markup import Markup, details, element, join, section, table
from commbench.report.series import groups
from commbench.report.ticks import size_axis, value_axis
from commbench.report.words import bandwidth, is_null, one_line, time_us, whole
from commbench.units import format_size

if TYPE_CHECKING:
    from commbench.analysis.kernel_targets import Target

_CAPTION = "Bandwidth against the bytes that have to move, under the roof of the best plain copy"
_LEGEND = " cold device time; each mark is one work"
_ROOF = "best plain copy"
_MARK_SIZE, _OUR_MARK_SIZE = 8, 13
_HOW = (
    "Device time on data in no cache, checked bit for bit before and after. Bandwidth is the least traffic of the work "
    "over that time, so that whoever moves data twice shows half of it."
)


def kernel_section(
    rows: pd.DataFrame, targets: "Sequence[Target]", figure_id: str
) -> tuple[Markup, Mapping[str, Figure]]:
    """Return the section of one run and its figure by the id of its element, no figure where nothing was timed.

    Raises:
        UsageError: there are no rows.
    """
    rows = require_kernel(rows)
    figure = roofline(rows)
    first = rows.iloc[0].to_dict()
    run_id, gpu, host = (one_line(first[name]) for name in ("run_id", "gpu", "host"))
    where = f"Run {run_id} on {gpu} of {host}, {cold_words(first)}. {_HOW}"
    warnings = [element("p", note, css="banner" if note == ON_CPU else "note") for note in notes(rows)]
    numbers = join(_work_table(group) for group in groups(rows, WORK))
    body = section(
        "Fused bucket kernel",
        *warnings,
        element("p", where, css="note"),
        _chart(figure_id) if figure else "",
        element("h3", "Targets (device time, cold, one H200)"),
        _targets_table(targets),
        details("All cases of the kernel benchmark", numbers),
    )
    return body, {figure_id: figure} if figure else {}


def roofline(rows: pd.DataFrame) -> Figure | None:
    """Return GB/s against bytes for every timed case, with the best copy as the roof; None when none was timed."""
    timed = rows[(rows["status"] == Status.OK) & (rows["bandwidth_gb_s"] > 0) & (rows["moved_bytes"] > 0)]
    if timed.empty:
        return None
    looks = styles(list(timed["competitor"]))
    traces = [_trace(group, looks) for group in groups(timed, ["competitor"])]
    sizes, heights = timed["moved_bytes"].tolist(), timed["bandwidth_gb_s"].tolist()
    roof = timed["copy_gb_s"].dropna()
    if len(roof):
        heights.append(float(roof.iloc[0]))
        traces.append(_roof(min(sizes), max(sizes), float(roof.iloc[0])))
    return {
        "data": traces,
        "layout": {
            "xaxis": {**size_axis(sizes), "title": {"text": "least traffic of the work", "standoff": 12}},
            "yaxis": {**value_axis(heights, lambda value: f"{value:g}"), "title": {"text": "GB/s"}},
        },
    }


def _trace(group: pd.DataFrame, looks: Mapping[str, Style]) -> dict[str, object]:
    name = str(group.iloc[0]["competitor"])
    look = looks[name]
    is_reimplemented = bool(group.iloc[0]["is_reimplemented"])
    return {
        "type": "scatter",
        "mode": "markers",
        "name": escape(one_line(name)) + ("*" if is_reimplemented else ""),
        "x": group["moved_bytes"].tolist(),
        "y": group["bandwidth_gb_s"].tolist(),
        "hovertext": [_hover(row.to_dict()) for _, row in group.iterrows()],
        "hoverinfo": "text",
        "marker": {
            "color": look.colour,
            "symbol": look.symbol,
            "size": _OUR_MARK_SIZE if name == "commbench" else _MARK_SIZE,
        },
    }


def _roof(first: int, last: int, height_gb_s: float) -> dict[str, object]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"{_ROOF}, {bandwidth(height_gb_s)} GB/s",
        "x": [first, last],
        "y": [height_gb_s] * 2,
        "hoverinfo": "skip",
        "line": {"color": "#8A8A8A", "width": 2, "dash": "dash"},
    }


def _hover(row: dict[object, object]) -> str:
    share = "" if is_null(row["copy_share"]) else f", {float(str(row['copy_share'])):.1%} of the copy"
    lines = (
        f"<b>{escape(competitor_words(row))}</b>",
        f"{escape(one_line(row['workload']))}: {escape(work_words(row))}",
        f"{bandwidth(row['bandwidth_gb_s'])} GB/s{share}, {time_us(row['device_time_cold_us'])} us",
    )
    return "<br>".join(lines)


def _chart(figure_id: str) -> Markup:
    head = element("figcaption", _CAPTION, element("span", _LEGEND))
    return element("figure", head, Markup(f'<div class="chart" id="{escape(figure_id)}"></div>'))


def _work_table(group: pd.DataFrame) -> Markup:
    records = [row.to_dict() for _, row in group.iterrows()]
    first = records[0]
    size = format_size(int(str(first["moved_bytes"])))
    title = f"{one_line(first['workload'])}: {work_words(first)} ({whole(first['tensors'])} tensors, {size})"
    rows = [[competitor_words(row), *cells(row), why_not(row)] for row in records]
    return join([element("h3", title), table((*TITLES, ""), rows, TITLES[1:])])


def _targets_table(targets: "Sequence[Target]") -> Markup:
    rows = []
    for target in targets:
        wanted, measured, verdict = target_words(target)
        css = "bad" if target.is_met is False else "skipped" if target.is_met is None else ""
        rows.append([target.words, wanted, element("span", measured, css=css), verdict])
    return table(("target", "wanted", "measured", ""), rows, ("wanted", "measured"))
