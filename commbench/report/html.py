"""The report as one HTML page: what was measured, what went wrong, on what, and how to read it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from commbench.errors import UsageError
from commbench.model.result import Status
from commbench.report import series
from commbench.report.curves import Figure, Style, bandwidth_figure, styles, time_figure
from commbench.report.facts import environment_section, method_section, runs_section
from commbench.report.markup import Markup, details, element, join, section
from commbench.report.page import page
from commbench.report.sections import numbers_table, problems_section, summary_section
from commbench.report.slow_calls import slow_calls_section
from commbench.report.table import totals
from commbench.report.words import SIMULATED_NOTE, imported_note, one_line
from commbench.store.columns import MEASURED

Part = tuple[Markup, Mapping[str, Figure]]  # HTML, and the figures in it by the ids of their elements

_SIMULATED_TEXT = (
    "These times were drawn from a model; no network was involved. Nothing here says anything about hardware."
)
_IMPORTED_TEXT = (
    "Their times are means as that tool defines them; they have no p50 and no worst call, and their bandwidths are of "
    "the mean. The curves of measured points are of the p50."
)
_NO_CHART = "Nothing to draw: no point has a value above zero."
_BANDWIDTH_CAPTION, _TIME_CAPTION = "Bus bandwidth", "Time of a call"
_TIME_LEGEND = " solid: p50, dotted: worst call"
_WRONG_LEGEND = " cross: wrong result"


def write_report(points: pd.DataFrame, runs: pd.DataFrame, path: Path) -> None:
    """Write the report as one self-contained file.

    Raises:
        UsageError: there are no points, or the file cannot be written.
    """
    text = render(points, runs)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"the report cannot be written to {path}: {error.strerror or error}; choose another --output"
        ) from error


def render(points: pd.DataFrame, runs: pd.DataFrame, extra: Part | None = None) -> str:
    """Return the report as HTML; `extra` is one more section, with its figures.

    Raises:
        UsageError: there are no points.
    """
    points = series.with_source(series.require_points(points))
    runs = runs[runs["run_id"].isin(points["run_id"])] if not runs.empty else runs
    said = series.said_variables(points)
    lines = {
        str(group.iloc[0]["collective"]): series.series_of(group, said)
        for group in series.groups(points, ["collective"])
    }
    looks = styles([line.label for each in lines.values() for line in each])
    figures: dict[str, Figure] = {}
    charts = [
        _collective(name, each, looks, figures, numbers_table(points[points["collective"] == name], said))
        for name, each in lines.items()
    ]
    title = f"commbench: {', '.join(one_line(suite) for suite in points['suite'].unique())}"
    more, more_figures = extra or (Markup(), {})
    body = join(
        [
            _header(points, title),
            summary_section(points, said),
            problems_section(points),
            slow_calls_section(points, said),
            *charts,
            more,
            runs_section(runs),
            environment_section(runs),
            method_section(),
        ]
    )
    return page(title, body, {**figures, **more_figures})


def _header(points: pd.DataFrame, title: str) -> Markup:
    clusters = ", ".join(name for each in points["cluster"].unique() if (name := one_line(each)))
    days = sorted(points["started_at"].dt.strftime("%Y-%m-%d").unique())
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    is_simulated = bool(points["is_simulated"].any())
    banner = element("p", f"{SIMULATED_NOTE}. {_SIMULATED_TEXT}", css="banner") if is_simulated else ""
    tools = ", ".join(series.imported_tools(points))
    imported = element("p", f"{imported_note(tools)}. {_IMPORTED_TEXT}", css="banner") if tools else ""
    verb = _verb(points, clusters)
    facts = f"{verb} {when} (UTC). {totals(points['status'])}."
    return element("header", element("h1", title), element("p", facts), banner, imported)


def _verb(points: pd.DataFrame, clusters: str) -> str:
    if points["is_simulated"].all():
        return "Simulated"
    verb = "Measured" if (points["source"] == MEASURED).any() else "Imported; measured"
    return f"{verb} on {clusters}," if clusters else verb


def _collective(
    name: str,
    lines: Sequence[series.Series],
    looks: Mapping[str, Style],
    figures: dict[str, Figure],
    numbers: Markup,
) -> Markup:
    """Return one collective's charts and numbers; its figures are added to `figures`."""
    wrong = _WRONG_LEGEND if any((line.points["status"] == Status.WRONG).any() for line in lines) else ""
    bandwidths = _chart(bandwidth_figure(lines, looks), figures, _BANDWIDTH_CAPTION, wrong)
    times = _chart(time_figure(lines, looks), figures, _TIME_CAPTION, _TIME_LEGEND + (wrong and f",{wrong}"))
    grid = element("div", bandwidths, times, css="charts")
    return section(one_line(name), grid, details(f"All numbers of {one_line(name)}", numbers))


def _chart(figure: Figure | None, figures: dict[str, Figure], caption: str, legend: str) -> Markup:
    head = element("figcaption", caption, element("span", legend))
    if figure is None:
        return element("figure", head, element("p", _NO_CHART))
    # Ids are numbers: names are not ours to trust.
    chart_id = f"chart-{len(figures)}"
    figures[chart_id] = figure
    return element("figure", head, Markup(f'<div class="chart" id="{chart_id}"></div>'))
