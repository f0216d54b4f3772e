"""The parts of the page that come from the points: what to know first, what went wrong, every number."""

from collections.abc import Sequence

import pandas as pd

from commbench.model.result import Status
from commbench.report.markup import Markup, element, join, section, table
from commbench.report.series import groups, series_of, variable
from commbench.report.words import (
    Row,
    bandwidth,
    count_of,
    imported_from,
    is_null,
    mean_bandwidth,
    mean_time,
    one_line,
    outcome,
    p99,
    skew,
    time_us,
    whole,
    wrong,
)
from commbench.statistics.intervals import exceed_probability
from commbench.store.columns import MEASURED
from commbench.units import format_size, format_time_us

# Worst first.
_TROUBLE = (Status.WRONG, Status.ERROR, Status.TIMEOUT, Status.SKIPPED)
_NOTHING = "-"
_NUMBERS = (
    "size",
    "p50 (us)",
    "p95 (us)",
    "p99 (us)",
    "worst (us)",
    "n",
    "P(>worst)",
    "T p50 (us)",
    "S p50 (us)",
    "mean (us)",
    "algbw",
    "busbw",
    "#wrong",
)
_NUMBERS_NOTE = (
    "p50, p95, p99 and worst are of L, the latency after the last arrival; T = S + L of each call, first arrival to "
    "last result; mean: the call's time as other tools take it, the longest of the ranks' own durations. A p99 needs "
    "299 calls in every launch; up to 367 they give an upper bound only (<=). P(>worst): how likely, at most, the next "
    "call is slower than the worst of n, 1 - 0.05^(1/n), at 95 % confidence."
)


def summary_section(points: pd.DataFrame, said: Sequence[str]) -> Markup:
    """Return the best bandwidth, the smallest time and the worst outlier of each collective and rank count."""
    kept = [name for name in said if name not in {"in_place", "dtype", "redop", "cadence"}]
    titles = [
        "collective",
        *(_title(name) for name in kept),
        "points ok",
        "peak busbw",
        "smallest p50",
        "worst outlier",
    ]
    rows = [_summary_row(group, kept) for each in groups(points, ["collective"]) for group in groups(each, kept)]
    explanation = (
        "Worst outlier: the longest of n calls at the size where it exceeds its own median most. Sizes may differ in "
        "n, and the longest of more calls is longer by itself; the next call is slower still with a probability of at "
        "most 1 - 0.05^(1/n)."
    )
    return section("Summary", table(titles, rows, ["points ok"]), element("p", explanation, css="note"))


def _title(name: str) -> str:
    return {"world_size": "ranks", "run_id": "run", "traffic_skew": "skew"}.get(name, name)


def _summary_row(group: pd.DataFrame, kept: Sequence[str]) -> list[object]:
    first = group.iloc[0].to_dict()
    names = [whole(first[name]) if name in {"world_size", "nodes"} else variable(first, name) for name in kept]
    good = group[group["status"] == Status.OK]
    return [one_line(first["collective"]), *names, f"{len(good)}/{len(group)}", *_best(good)]


def _best(good: pd.DataFrame) -> list[str]:
    timed = good[good["latency_p50_us"] > 0]
    if timed.empty:
        return [_NOTHING] * 3
    timed = timed.assign(outlier=timed["latency_max_us"] / timed["latency_p50_us"])
    fastest = timed.sort_values("latency_p50_us", kind="stable").iloc[0]
    worst = timed.sort_values("outlier", kind="stable").iloc[-1]
    moving = timed[timed["busbw_gb_s"] > 0].sort_values("busbw_gb_s", kind="stable")
    peak = None if moving.empty else moving.iloc[-1]
    return [
        _NOTHING if peak is None else f"{bandwidth(peak['busbw_gb_s'])} GB/s at {_size(peak)}",
        f"{format_time_us(fastest['latency_p50_us'])} at {_size(fastest)}",
        f"{format_time_us(worst['latency_max_us'])} at {_size(worst)}, {worst['outlier']:.3g} times p50, "
        f"n = {whole(worst['iterations'])}" + (f"; {one_line(worst['blame'])}" if worst["blame"] else ""),
    ]


def _size(row: "pd.Series[float]") -> str:
    return format_size(int(row["size_bytes"]))


def problems_section(points: pd.DataFrame) -> Markup:
    """Return every wrong, lost and skipped point, those with the same reason together."""
    told = points.assign(words=[outcome(row) for row in points.to_dict("records")])
    rows = [
        _problem_row(group)
        for status in _TROUBLE
        for group in groups(told[told["status"] == status], ["collective", "world_size", "words"])
    ]
    ours = points[points["source"] == MEASURED] if "source" in points else points
    unsettled = int(((ours["status"] == Status.OK) & ~ours["converged"].astype(bool)).sum())
    note = f"{count_of(unsettled, 'point')} stopped at a limit before the stopping rule was satisfied."
    listing = table(("points", "collective", "ranks", "sizes", "what happened"), rows, ("points", "ranks", "sizes"))
    return section(
        "Problems",
        listing if rows else element("p", "None: every point was measured and every checked result was right."),
        element("p", note) if unsettled else "",
    )


def _problem_row(group: pd.DataFrame) -> list[object]:
    # A skipped point may have rounded to no bytes at all: what was asked for says more.
    sizes = sorted(group["requested_bytes"])
    size = format_size(sizes[0]) if sizes[0] == sizes[-1] else f"{format_size(sizes[0])} to {format_size(sizes[-1])}"
    css = "skipped" if group.iloc[0]["status"] == Status.SKIPPED else "bad"
    words = element("span", group.iloc[0]["words"], css=css)
    first = group.iloc[0].to_dict()
    return [len(group), one_line(first["collective"]), whole(first["world_size"]), size, words]


def numbers_table(points: pd.DataFrame, said: Sequence[str]) -> Markup:
    """Return every point of one collective with its numbers, for readers of the page without charts."""
    titles = ("series", *_NUMBERS, "")
    rows = [
        [line.label, *_numbers(row.to_dict())] for line in series_of(points, said) for _, row in line.points.iterrows()
    ]
    return join([element("p", _NUMBERS_NOTE, css="note"), table(titles, rows, _NUMBERS)])


def _numbers(row: Row) -> list[str]:
    size_bytes = row["requested_bytes"] if row["status"] == Status.SKIPPED else row["size_bytes"]
    tool = imported_from(row)
    printed = f"{tool} printed {time_us(row['printed_time_us'])} us" if tool else ""
    return [
        format_size(int(str(size_bytes))),
        *(time_us(row[f"latency_{name}_us"]) for name in ("p50", "p95")),
        p99(row),
        time_us(row["latency_max_us"]),
        whole(row["iterations"]),
        _slower_than_worst(row),
        time_us(row["makespan_p50_us"]),
        skew(row),
        mean_time(row),
        *(mean_bandwidth(row, name) if tool else bandwidth(row[f"{name}_gb_s"]) for name in ("algbw", "busbw")),
        wrong(row),
        "; ".join(words for words in (printed, outcome(row)) if words),
    ]


def _slower_than_worst(row: Row) -> str:
    """Return the bound on the chance that the next call is slower than the worst of n; empty without a worst case."""
    calls = int(whole(row["iterations"]) or 0)
    return "" if is_null(row["latency_max_us"]) or not calls else f"{100 * exceed_probability(calls):.2g}%"
