"""Charts as plain SVG: they need no script, print well, and are files of their own as they stand."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import log10

from commbench.report.curves import PALETTE
from commbench.report.markup import Markup
from commbench.report.ticks import Axis

WIDTH, HEIGHT = 640, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 78, 30, 34, 58
_KEY_WIDTH, _KEY_LETTERS = 250, 26  # room for the name of a side above the chart
_MARK = 4.0
# Two sides differ in colour, dash and mark, so that any one of the three is enough.
COLOURS, DASHES = PALETTE[:2], ("", "7 4")


@dataclass(frozen=True, slots=True)
class Drawn:
    """One line: its name, which side it is of (0 or 1), its points, and the band round it where there is one.

    `texts` are what a point says under the mouse; `is_stepped` draws an ECDF, without marks.
    """

    name: str
    side: int
    xs: Sequence[float]
    ys: Sequence[float]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    texts: Sequence[str] = ()
    is_stepped: bool = False


@dataclass(frozen=True, slots=True)
class _Scale:
    first: float
    last: float
    start: float
    end: float
    is_log: bool

    def __call__(self, value: float) -> float:
        place = log10(value) if self.is_log else value
        return round(self.start + (place - self.first) / (self.last - self.first) * (self.end - self.start), 1)


def linear_axis(ticks: Sequence[float], text: Callable[[float], str]) -> Axis:
    """Return a linear axis from the first tick to the last."""
    return {"type": "linear", "range": [ticks[0], ticks[-1]], "tickvals": ticks, "ticktext": [text(t) for t in ticks]}


def plot(lines: Sequence[Drawn], x: Axis, y: Axis, titles: tuple[str, str], label: str) -> Markup:
    """Return a chart of lines on two axes (see report.ticks); `label` is what a screen reader says of it."""
    across = _scale(x, _LEFT, WIDTH - _RIGHT)
    upward = _scale(y, HEIGHT - _BOTTOM, _TOP)
    shapes = [*_grid(x, y, across, upward), *_titles(titles)]
    shapes += [_band(line, across, upward) for line in lines if line.low]
    shapes += [shape for line in lines for shape in (*_line(line, across, upward), *_key(line))]
    return svg(label, "".join(shapes), WIDTH, HEIGHT)


def svg(label: str, shapes: str, width: int, height: int) -> Markup:
    """Return shapes as one picture with a name."""
    return Markup(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(label)}" font-family="system-ui, sans-serif" font-size="13">{shapes}</svg>'
    )


def _scale(axis: Axis, start: float, end: float) -> _Scale:
    first, last = axis["range"]  # type: ignore[misc]
    return _Scale(float(first), float(last), start, end, axis["type"] == "log")  # type: ignore[has-type]


def _marks(axis: Axis) -> Iterator[tuple[float, str]]:
    first, last = axis["range"]  # type: ignore[misc]
    for value, text in zip(axis["tickvals"], axis["ticktext"], strict=True):  # type: ignore[call-overload]
        if first <= (log10(value) if axis["type"] == "log" else value) <= last:  # type: ignore[has-type]
            yield float(value), escape(text)


def _grid(x: Axis, y: Axis, across: _Scale, upward: _Scale) -> Iterator[str]:
    line = 'stroke="#8888" stroke-width="1"'
    for value, text in _marks(x):
        place = across(value)
        yield f'<path d="M{place} {_TOP}V{HEIGHT - _BOTTOM}" {line}/>'
        yield f'<text x="{place}" y="{HEIGHT - _BOTTOM + 18}" text-anchor="middle" fill="currentColor">{text}</text>'
    for value, text in _marks(y):
        place = upward(value)
        yield f'<path d="M{_LEFT} {place}H{WIDTH - _RIGHT}" {line}/>'
        yield f'<text x="{_LEFT - 6}" y="{place + 4}" text-anchor="end" fill="currentColor">{text}</text>'


def _titles(titles: tuple[str, str]) -> Iterator[str]:
    x, y = (escape(title) for title in titles)
    yield f'<text x="{(WIDTH + _LEFT) / 2}" y="{HEIGHT - 14}" text-anchor="middle" fill="currentColor">{x}</text>'
    middle = (HEIGHT - _BOTTOM) / 2
    turned = f'transform="rotate(-90 16 {middle})"'
    yield f'<text x="16" y="{middle}" text-anchor="middle" fill="currentColor" {turned}>{y}</text>'


def _band(line: Drawn, across: _Scale, upward: _Scale) -> str:
    there = [f"{across(x)} {upward(high)}" for x, high in zip(line.xs, line.high, strict=True)]
    back = [f"{across(x)} {upward(low)}" for x, low in zip(line.xs, line.low, strict=True)]
    return f'<path d="M{"L".join([*there, *reversed(back)])}Z" fill="{COLOURS[line.side]}" fill-opacity="0.22"/>'


def _line(line: Drawn, across: _Scale, upward: _Scale) -> Iterator[str]:
    places = [(across(x), upward(y)) for x, y in zip(line.xs, line.ys, strict=True)]
    colour, dash = COLOURS[line.side], DASHES[line.side]
    steps = _stepped(places) if line.is_stepped else places
    path = "L".join(f"{x} {y}" for x, y in steps)
    name = f"<title>{escape(line.name)}</title>"
    yield f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}">{name}</path>'
    if line.is_stepped:
        return
    for place, text in zip(places, line.texts or [line.name] * len(places), strict=True):
        yield _mark(*place, line.side, colour, escape(text))


def _key(line: Drawn) -> Iterator[str]:
    """Say above the chart which side is drawn how."""
    x, y, colour = _LEFT + _KEY_WIDTH * line.side, _TOP - 18, COLOURS[line.side]
    yield f'<path d="M{x} {y}h36" stroke="{colour}" stroke-width="2" stroke-dasharray="{DASHES[line.side]}"/>'
    yield _mark(x + 18, y, line.side, colour, escape(line.name))
    name = line.name if len(line.name) <= _KEY_LETTERS else f"{line.name[: _KEY_LETTERS - 3]}..."
    yield f'<text x="{x + 44}" y="{y + 4}" fill="currentColor">{escape(name)}</text>'


def _stepped(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    corners = [(after[0], before[1]) for before, after in pairwise(places)]
    return [place for pair in zip(places, corners, strict=False) for place in pair] + list(places[-1:])


def _mark(x: float, y: float, side: int, colour: str, text: str) -> str:
    if side == 0:
        return f'<circle cx="{x}" cy="{y}" r="{_MARK}" fill="{colour}"><title>{text}</title></circle>'
    corner = f'x="{x - _MARK}" y="{y - _MARK}" width="{2 * _MARK}" height="{2 * _MARK}"'
    return f'<rect {corner} fill="{colour}"><title>{text}</title></rect>'
