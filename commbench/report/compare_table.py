"""A comparison for a terminal, for markdown, and as rows for other tools."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from itertools import groupby
from math import isfinite
from typing import Any

from commbench.analysis.comparison import Cell, Comparison, Finding, Row
from commbench.errors import UsageError
from commbench.report.compare_words import heading, ratio_words, remarks, title, verdict_words
from commbench.report.export import markdown_cell
from commbench.report.words import bandwidth, one_line, time_us

_TITLES = ("size (B)", "metric", "{a}", "{b}", "unit", "A / B", "95 % interval", "pairs", "verdict")
_LEFT = {"metric", "unit", "verdict"}
_NAME_WIDTH = 14  # of a side's name above a column; the whole name stands in the first line


def render(comparison: Comparison, fmt: str) -> str:
    """Return the comparison as text in one of FORMATS.

    Raises:
        UsageError: there is no such format.
    """
    if fmt not in FORMATS:
        raise UsageError(f"no format {fmt!r}; there are {', '.join(FORMATS)}")
    return FORMATS[fmt](comparison)


def table(comparison: Comparison) -> str:
    """Return the comparison as a table for a terminal, one block for cells that differ in size only."""
    titles = _titles(comparison)
    blocks = [(name, [_cells(*each, comparison) for each in rows]) for name, rows in _blocks(comparison)]
    columns = zip(titles, *(cells for _, rows in blocks for cells in rows), strict=True)
    widths = [max(map(len, column)) for column in columns]
    lines = [f"# {heading(comparison)}", *(f"# {remark}" for remark in remarks(comparison))]
    for name, rows in blocks:
        lines += ["", f"# {name}", _line(titles, widths, titles), *(_line(cells, widths, titles) for cells in rows)]
    return "\n".join(lines) + "\n"


def markdown(comparison: Comparison) -> str:
    """Return the comparison as markdown: the remarks as a list, and one table."""
    titles = ["collective", *_titles(comparison)]
    rule = ["---", *("---" if name in _LEFT else "---:" for name in _titles(comparison))]
    rows = [
        [markdown_cell(each) for each in (name, *_cells(cell, finding, comparison))]
        for name, findings in _blocks(comparison)
        for cell, finding in findings
    ]
    lines = [markdown_cell(heading(comparison)), "", *(f"- {markdown_cell(each)}" for each in remarks(comparison)), ""]
    return (
        "\n".join([*lines, *(f"| {' | '.join(cells)} |" for cells in [[*map(markdown_cell, titles)], rule, *rows])])
        + "\n"
    )


def as_csv(comparison: Comparison) -> str:
    """Return one line per metric of each cell; numbers as they are, empty where there is none."""
    rows = records(comparison)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def as_json(comparison: Comparison) -> str:
    """Return the whole comparison as strict JSON; what is infinite or unknown is null."""
    whole = asdict(replace(comparison, rows=())) | {"findings": records(comparison), "heading": heading(comparison)}
    del whole["rows"]
    return json.dumps(_strict(whole), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def records(comparison: Comparison) -> list[dict[str, Any]]:
    """Return one plain row per metric of each cell, as csv and json have them."""
    return [_record(cell, finding, comparison) for cell, finding in comparison.findings()]


def _record(cell: Cell, finding: Finding, comparison: Comparison) -> dict[str, Any]:
    low, high = finding.ratio_interval or (None, None)
    effect = finding.effect
    others = ", ".join(f"{name}={value}" for name, value in cell.others)
    row = {
        **{name: value for name, value in asdict(cell).items() if name not in {"others", *comparison.compared}},
        "others": others,
        "metric": finding.metric,
        "unit": finding.unit,
        "a": finding.a,
        "b": finding.b,
        "ratio": finding.ratio,
        "ratio_low": low,
        "ratio_high": high,
        "pairs": finding.pairs,
        "calls": finding.calls,
        "sigma_log_ratio": effect.sigma if effect else None,
        "p_table": effect.p_table if effect else None,
        "verdict": str(finding.verdict),
        "more_pairs": finding.more_pairs,
        "words": verdict_words(finding, comparison),
    }
    return {name: _strict(value) for name, value in row.items()}


def _strict(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(name): _strict(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(each) for each in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _titles(comparison: Comparison) -> list[str]:
    a, b = (one_line(side.name)[:_NAME_WIDTH] for side in (comparison.a, comparison.b))
    return [title.format(a=a, b=b) for title in _TITLES]


def _blocks(comparison: Comparison) -> Iterator[tuple[str, list[tuple[Cell, Finding]]]]:
    """Yield the findings of cells that differ in size only, metric by metric, under their title."""

    def series(row: Row) -> Cell:
        return replace(row.cell, size_bytes=0)

    for cell, rows in groupby(comparison.rows, key=series):
        findings = [(row.cell, finding) for row in rows for finding in row.findings]
        yield title(cell, comparison.compared), findings


def _cells(cell: Cell, finding: Finding, comparison: Comparison) -> list[str]:
    number = bandwidth if finding.unit == "GB/s" else time_us
    calls = f" of {finding.calls}" if finding.calls else ""
    return [
        str(cell.size_bytes),
        f"{finding.metric}{calls}",
        number(finding.a),
        number(finding.b),
        finding.unit,
        *ratio_words(finding),
        str(finding.pairs),
        verdict_words(finding, comparison),
    ]


def _line(cells: list[str], widths: list[int], titles: list[str]) -> str:
    placed = (
        cell.ljust(width) if name in _LEFT else cell.rjust(width)
        for cell, width, name in zip(cells, widths, titles, strict=True)
    )
    return "  ".join(placed).rstrip()


FORMATS: dict[str, Callable[[Comparison], str]] = {
    "table": table,
    "markdown": markdown,
    "json": as_json,
    "csv": as_csv,
}
