"""Where the winner changes: the size at which one side stops being faster and the other begins to be."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from math import exp, isinf, log

from commbench.analysis.comparison import Cell, Crossover, Effect, Row

Point = tuple[float, float]  # ln of the size, ln of how slow A is against B


def crossovers(rows: Sequence[Row], metrics: Sequence[str]) -> list[Crossover]:
    """Return the crossovers of every series of cells that differ in size only.

    A change is claimed where each side is surely faster at some size, by intervals that all cells of the table keep
    together; sizes between them are undecided. Between sizes the estimate and both ends of the interval are taken as
    straight lines over ln(size): the crossover is where the estimate is 0, its interval where the ends are.
    """
    found = []
    for metric in metrics:
        for series, effects in _series(rows, metric):
            found += [_crossover(series, metric, part) for part in _changes(effects)]
    return found


def _series(rows: Sequence[Row], metric: str) -> Iterator[tuple[Cell, list[tuple[int, Effect]]]]:
    groups: dict[Cell, list[tuple[int, Effect]]] = {}
    for row in rows:
        finding = row.finding(metric)
        if finding is not None and finding.effect is not None and row.cell.size_bytes > 0:
            groups.setdefault(replace(row.cell, size_bytes=0), []).append((row.cell.size_bytes, finding.effect))
    yield from groups.items()


def _changes(effects: list[tuple[int, Effect]]) -> Iterator[list[tuple[int, Effect]]]:
    """Yield the sizes from the last where one side surely wins to the next where the other does."""
    effects = sorted(effects, key=lambda each: each[0])
    sure = [place for place, (_, effect) in enumerate(effects) if _winner(effect)]
    for first, last in pairwise(sure):
        if _winner(effects[first][1]) != _winner(effects[last][1]):
            yield effects[first : last + 1]


def _winner(effect: Effect) -> str:
    return "a" if effect.wide_high < 0 else "b" if effect.wide_low > 0 else ""


def _crossover(series: Cell, metric: str, part: list[tuple[int, Effect]]) -> Crossover:
    below = _winner(part[0][1])
    early, late = ("wide_high", "wide_low") if below == "a" else ("wide_low", "wide_high")
    first, middle, last = (_crossings(part, end) for end in (early, "estimate", late))
    return Crossover(series, metric, below, exp(middle[0]), exp(first[0]), exp(last[-1]))


def _crossings(part: list[tuple[int, Effect]], end: str) -> list[float]:
    """Return the ln(size) of each place where a line over the sizes crosses 0; it does, as the winner changes."""
    line = [(log(size), getattr(effect, end)) for size, effect in part]
    return [_zero(*two) for two in pairwise(line) if (two[0][1] < 0) != (two[1][1] < 0)]


def _zero(first: Point, last: Point) -> float:
    """Return where the line between two points crosses 0; an end without a bound leaves the size of the other."""
    (x0, y0), (x1, y1) = first, last
    if isinf(y0) or isinf(y1):
        return x0 if isinf(y1) else x1
    return x0 + (x1 - x0) * y0 / (y0 - y1)
