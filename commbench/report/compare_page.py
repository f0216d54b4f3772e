"""A comparison as one HTML page without any script: what a director reads first, then what an engineer checks."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from commbench.analysis.choice import Choice
from commbench.analysis.compare_curves import Heat, SeriesCurves
from commbench.analysis.comparison import Comparison, Verdict
from commbench.report.choice_table import break_even_words, words_of
from commbench.report.compare_page_style import CSS, pick
from commbench.report.compare_plots import Names, curve_plots, distribution_plots, heat_plot
from commbench.report.compare_words import crossover_words, heading, percent, ratio_words, title, verdict_words
from commbench.report.markup import Markup, details, document, element, join, section, table
from commbench.report.words import SIMULATED_NOTE, bandwidth, count_of, imported_note, one_line, time_us
from commbench.units import format_size

_MOST_SIZES = 7  # of distributions: the smallest, the largest, and some between
_MOST_OF_A_NAME = 64  # characters of a side that a file is called by; file systems take 255 in all
_MEDIANS = frozenset({"p50", "mean"})
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_CAPTIONS = {
    "busbw": "Bus bandwidth: the median of the launches; the band holds all of them",
    "p50": "Latency of the median call; the band holds all launches",
    "worst": "Worst of equally many calls, where that can be had: the median of the launches; the band holds all",
}
_METHOD = (
    "Launches are compared, never single calls: each has processes and connections of its own. Launches made side by "
    "side form a pair; the ratio is Hodges-Lehmann's over the pairs, its interval Wilcoxon's signed-rank interval at "
    "95 %. A is called faster only if the interval lies wholly beyond the margin, equivalent only if it lies within; "
    "the risk of any wrong verdict in the whole table is held by Holm's correction.",
    "Latency is the time from the last rank's arrival to the last result. Bandwidths are of the median call; busbw is "
    "nccl-tests'. The worst case is taken of equally many calls on both sides.",
    "The share of a step that is lost to communication follows from the measured mean times of the workload's "
    "messages; between two measured sizes a line between their logarithms is read, beyond them nothing. Overlap hides "
    "the given "
    "share of the communication, and never more than there is computing.",
    "A fabric is proven when the counters of every host say that it carried the bytes of the timed calls.",
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """One side's proof: (verdict, points, what it rests on) for each verdict that its points have."""

    rows: tuple[tuple[str, int, str], ...]


@dataclass(frozen=True, slots=True)
class PageParts:
    """Everything that the page shows; `heats` are, for each series, one of A and one of B where known."""

    comparison: Comparison
    choice: Choice
    curves: tuple[SeriesCurves, ...]
    heats: tuple[tuple[Heat | None, Heat | None], ...]
    evidence: tuple[Evidence, Evidence]


def evidence_of(points: pd.DataFrame) -> Evidence:
    """Return what is known of who carried the bytes of some points."""
    told = points.assign(verdict=points["fabric_verdict"].fillna("nobody looked"))
    return Evidence(
        tuple(
            (str(verdict), len(group), one_line(group["fabric_reason"].dropna().iloc[0]) if _has_reason(group) else "")
            for verdict, group in told.groupby("verdict")
        )
    )


def _has_reason(group: pd.DataFrame) -> bool:
    return bool(group["fabric_reason"].notna().any())


def render(parts: PageParts) -> str:
    """Return the page as HTML."""
    comparison = parts.comparison
    names = one_line(comparison.a.name), one_line(comparison.b.name)
    body = join(
        [
            _header(comparison, names, parts.choice),
            section("At a glance", _choice(parts.choice, names)),
            section("Cell by cell", *_cells(comparison, names)),
            *(_series(place, each, heats, comparison, names) for place, (each, heats) in _numbered(parts)),
            section("Which fabric carried the bytes", _evidence(parts.evidence, names)),
            section("What else is different", *_differences(comparison, names)),
            section("Method", *(element("p", text) for text in _METHOD)),
        ]
    )
    return _page(f"commbench: {names[0]} against {names[1]}", body)


def plots(parts: PageParts) -> dict[str, Markup]:
    """Return every chart of the page by a name that is fit for a file."""
    names = one_line(parts.comparison.a.name), one_line(parts.comparison.b.name)
    found: dict[str, Markup] = {}
    for place, (series, heats) in _numbered(parts):
        what = title(series.series, parts.comparison.compared)
        for metric, drawn in curve_plots(series, names, what).items():
            found[f"{place}-{series.series.collective}-{metric}"] = drawn
        for size, drawn in distribution_plots(series, names, what).items():
            found[f"{place}-{series.series.collective}-ecdf-{size}"] = drawn
        for side, drawn in _warm(heats, names, what):
            found[f"{place}-{series.series.collective}-last-{'ab'[side]}-{_in_a_path(names[side])}"] = drawn
    return found


def _warm(heats: tuple[Heat | None, Heat | None], names: Names, what: str) -> list[tuple[int, Markup]]:
    """Return the chart of who came last for each side, 0 or 1, that has one."""
    return [
        (side, drawn)
        for side, (heat, name) in enumerate(zip(heats, names, strict=True))
        if heat is not None and (drawn := heat_plot(heat, name, what))
    ]


def _in_a_path(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:_MOST_OF_A_NAME]


def _numbered(parts: PageParts) -> list[tuple[int, tuple[SeriesCurves, tuple[Heat | None, Heat | None]]]]:
    return list(enumerate(zip(parts.curves, parts.heats, strict=True)))


def _page(name: str, body: Markup) -> str:
    return document(name, CSS, _POLICY, body)


def _header(comparison: Comparison, names: Names, choice: Choice) -> Markup:
    banners = [SIMULATED_NOTE] if comparison.is_simulated else []
    banners += [imported_note(one_line(comparison.imported_from))] if comparison.imported_from else []
    return element(
        "header",
        element("h1", f"{names[0]} against {names[1]}"),
        *(element("p", text, css="banner") for text in banners),
        element("p", _verdict(comparison, names), css="verdict"),
        *(element("p", one_line(sentence)) for sentence in comparison.sentences),
        *(element("p", crossover_words(each, comparison)) for each in comparison.crossovers),
        element("p", f"{break_even_words(choice)}."),
        element("p", heading(comparison), css="note"),
    )


def _verdict(comparison: Comparison, names: Names) -> str:
    """Return the one sentence that counts: how many medians each side wins by; without medians, the first metric's."""
    every = [finding for _, finding in comparison.findings()]
    metrics = _MEDIANS if any(each.metric in _MEDIANS for each in every) else {each.metric for each in every[:1]}
    found = [each for each in every if each.metric in metrics]
    by = "" if metrics is _MEDIANS else f" by {', '.join(metrics)}"
    counts = {verdict: sum(each.verdict is verdict for each in found) for verdict in Verdict}
    margin = percent(comparison.margin.share)
    parts = [
        (counts[Verdict.A_FASTER], f"{names[0]} is faster in"),
        (counts[Verdict.B_FASTER], f"{names[1]} is faster in"),
        (counts[Verdict.EQUIVALENT], f"equivalent within {margin} in"),
        (counts[Verdict.UNDECIDED], "undecided in"),
        (counts[Verdict.ONE_SAMPLE], "one sample, so no certainty, in"),
    ]
    said = "; ".join(f"{words} {count}" for count, words in parts if count)
    return f"Of {count_of(len(found), 'cell')}{by}: {said}." if said else "Nothing could be compared."


def _choice(choice: Choice, names: Names) -> Markup:
    return table(("", "what", *names), [words_of(line) for line in choice.lines])


def _cells(comparison: Comparison, names: Names) -> list[Markup]:
    titles = ("cell", "size", "metric", *names, "A / B", "95 % interval", "pairs", "verdict")
    rows = []
    for cell, finding in comparison.findings():
        number = bandwidth if finding.unit == "GB/s" else time_us
        metric = f"{finding.metric} ({finding.unit})" + (f" of {finding.calls}" if finding.calls else "")
        what = title(cell, comparison.compared)
        values = (number(finding.a), number(finding.b), *ratio_words(finding), finding.pairs)
        rows.append((what, format_size(cell.size_bytes), metric, *values, verdict_words(finding, comparison)))
    whole = details(f"All {count_of(len(rows), 'number')}", table(titles, rows, ("size", *titles[3:8])))
    notes = [element("p", one_line(each), css="note") for each in (*comparison.notes, *comparison.left_out)]
    return [whole, *notes]


def _series(
    place: int,
    series: SeriesCurves,
    heats: tuple[Heat | None, Heat | None],
    comparison: Comparison,
    names: Names,
) -> Markup:
    what = title(series.series, comparison.compared)
    charts = [_figure(_CAPTIONS[metric], drawn) for metric, drawn in curve_plots(series, names, what).items()]
    found = distribution_plots(series, names, what)
    sizes = _some(sorted(found))
    panes = [(format_size(size), found[size]) for size in sizes]
    if panes:
        caption = element("figcaption", "Latency of all calls (ECDF); choose a size")
        charts.append(element("figure", caption, pick(f"ecdf-{place}", "message size", panes)))
    warm = [
        element(
            "figure", element("figcaption", f"Share of calls to which each rank came last, in %: {names[side]}"), drawn
        )
        for side, drawn in _warm(heats, names, what)
    ]
    return section(what, element("div", *charts, css="charts"), element("div", *warm, css="charts") if warm else "")


def _some(sizes: Sequence[int]) -> list[int]:
    if len(sizes) <= _MOST_SIZES:
        return list(sizes)
    last = _MOST_SIZES - 1
    return [sizes[round(place * (len(sizes) - 1) / last)] for place in range(_MOST_SIZES)]


def _figure(caption: str, drawn: Markup) -> Markup:
    return element("figure", element("figcaption", caption), drawn)


def _evidence(evidence: tuple[Evidence, Evidence], names: Names) -> Markup:
    rows = [(name, *row) for name, each in zip(names, evidence, strict=True) for row in each.rows]
    return table(("", "verdict", "points", "it rests on, as of the first point"), rows, ("points",))


def _differences(comparison: Comparison, names: Names) -> list[Markup]:
    if not comparison.differences:
        return [element("p", "Nothing that commbench records, beside what is compared on purpose.")]
    rows = [(one_line(d.what), one_line(d.a), one_line(d.b), d.cells) for d in comparison.differences]
    return [table(("what", *names, "cells"), rows, ("cells",))]
