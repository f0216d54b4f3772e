"""The table of those who choose a fabric: for a terminal, markdown, json and csv."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import asdict
from math import isfinite

from commbench.analysis.choice import BreakEven, Choice, Figure, Line
from commbench.errors import UsageError
from commbench.report.compare_words import percent
from commbench.report.export import markdown_cell
from commbench.report.listing import aligned
from commbench.report.words import SIMULATED_NOTE, bandwidth, one_line, time_us


def figure_words(figure: Figure, unit: str) -> str:
    """Return a number with its unit, or why there is none."""
    if figure.value is None:
        return one_line(figure.why)
    in_words = _UNITS.get(unit)
    text = in_words(figure.value) if in_words else f"{_money(figure.value)} {one_line(unit)}"
    return f"{text} ({one_line(figure.note)})" if figure.note else text


def _money(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"  # noqa: PLR2004 - four digits


_UNITS: dict[str, Callable[[float], str]] = {
    "us": lambda value: f"{time_us(value)} us",
    "GB/s": lambda value: f"{bandwidth(value)} GB/s",
    "share": percent,
    "ms": lambda value: f"{value:.4g} ms",
    "s": lambda value: f"{value:.3g} s",
}


def break_even_words(choice: Choice) -> str:
    """Return whether the dearer fabric pays, from which gain on, and what was measured; or why nobody can say."""
    even = choice.break_even
    if even is None:
        return f"break-even: not known, {one_line(choice.no_break_even)}"
    verdict = {True: "pays", False: "does not pay", None: "may or may not pay"}[even.pays]
    name = one_line(even.dearer)
    return (
        f"{name} {verdict}: it pays from a gain of {percent(even.needed)} on, and was measured to bring "
        f"{_signed(even.measured)} {_range(even)}: {one_line(even.basis)}"
    )


def _signed(share: float) -> str:
    return f"{100 * share:+.3g} %"


def _range(even: BreakEven) -> str:
    if even.low <= -1 or not isfinite(even.high) or even.high > 1e9:  # noqa: PLR2004 - no interval: six pairs are few
        return "(no interval: too few pairs)"
    return f"({_signed(even.low)} .. {_signed(even.high)} at 95 %)"


def render(choice: Choice, fmt: str) -> str:
    """Return the table as text in one of FORMATS.

    Raises:
        UsageError: there is no such format.
    """
    if fmt not in FORMATS:
        raise UsageError(f"no format {fmt!r}; there are {', '.join(FORMATS)}")
    return FORMATS[fmt](choice)


def words_of(line: Line) -> tuple[str, str, str, str]:
    """Return a line as topic, name and both figures in words."""
    return line.topic, one_line(line.name), figure_words(line.a, line.unit), figure_words(line.b, line.unit)


def _table(choice: Choice) -> str:
    said = f"# {SIMULATED_NOTE}\n" if choice.is_simulated else ""
    titles = ("", "what", one_line(choice.a), one_line(choice.b))
    return (
        f"{said}{aligned(titles, set(), [list(words_of(line)) for line in choice.lines])}# {break_even_words(choice)}\n"
    )


def _markdown(choice: Choice) -> str:
    rows = [["", "what", choice.a, choice.b], ["---"] * 4, *(list(words_of(line)) for line in choice.lines)]
    cells = (f"| {' | '.join(each if row is rows[1] else markdown_cell(each) for each in row)} |" for row in rows)
    said = f"{SIMULATED_NOTE}\n\n" if choice.is_simulated else ""
    return said + "\n".join(cells) + f"\n\n{markdown_cell(break_even_words(choice))}\n"


def _json(choice: Choice) -> str:
    whole = asdict(choice) | {"break_even_words": break_even_words(choice)}
    return json.dumps(_finite(whole), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {name: _finite(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _csv(choice: Choice) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["topic", "what", "unit", "side", "value", "why", "note"])
    for line in choice.lines:
        for side, figure in ((choice.a, line.a), (choice.b, line.b)):
            writer.writerow([line.topic, line.name, line.unit, side, figure.value, figure.why, figure.note])
    return text.getvalue()


FORMATS: dict[str, Callable[[Choice], str]] = {"table": _table, "markdown": _markdown, "json": _json, "csv": _csv}
