"""One series as a small drawing: its nights, the band of its baseline, and marks where something happened."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from math import isfinite

from commbench.analysis.nightly.lines import Lines, SeriesLine
from commbench.report.markup import Markup

WIDTH, HEIGHT = 320, 72  # of the drawing's own units; whole numbers keep a page of 600 of them light
_EDGE = 3
_ROOM = 0.05  # above and below, as a share of the values' range
_LEAST_RANGE = 0.02  # noise of a steady series must not fill the drawing: at least 2 % of its value

Point = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Scale:
    nights: int
    low: float
    high: float

    def x(self, night: float) -> int:
        return round(_EDGE + (WIDTH - 2 * _EDGE) * night / max(self.nights - 1, 1))

    def y(self, value: float) -> int:
        share = (value - self.low) / (self.high - self.low)
        return round(HEIGHT - _EDGE - (HEIGHT - 2 * _EDGE) * min(max(share, 0.0), 1.0))


def spark(line: SeriesLine, lines: Lines) -> Markup:
    """Return a series as SVG: the band, its values, shaded incidents, ticks for changes of the environment."""
    scale = _scale(line, len(lines.nights))
    if scale is None:
        return Markup("<svg></svg>")
    label = escape(f"{line.metric} of {line.series.label}, {len(lines.nights)} nights")
    shapes = [*_spells(line, lines, scale), *_band(line, scale), *_marks(lines, scale), *_values(line, scale)]
    box = f'viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none"'
    return Markup(f'<svg {box} role="img" aria-label="{label}">{"".join(shapes)}</svg>')


def _scale(line: SeriesLine, nights: int) -> _Scale | None:
    known = [value for value in (*line.values, *line.low, *line.high) if value is not None and isfinite(value)]
    if not known or not any(value is not None for value in line.values):
        return None
    low, high = min(known), max(known)
    room = max(high - low, _LEAST_RANGE * abs(high)) * _ROOM or 1.0
    return _Scale(nights, low - room, high + room)


def _spells(line: SeriesLine, lines: Lines, scale: _Scale) -> Iterator[str]:
    places = {label: place for place, label in enumerate(lines.nights)}
    for spell in lines.spells:
        if spell.incident_id not in line.incident_ids:
            continue
        first = scale.x(places.get(spell.since, 0) - 0.5)
        last = scale.x(places.get(spell.until or "", len(lines.nights) - 1) + 0.5)
        yield f'<rect class="spell" x="{first}" y="0" width="{max(last - first, 1)}" height="{HEIGHT}"/>'


def _band(line: SeriesLine, scale: _Scale) -> Iterator[str]:
    nights = [
        (night, low, high)
        for night, (low, high) in enumerate(zip(line.low, line.high, strict=True))
        if low is not None and high is not None
    ]
    for part in _unbroken([night for night, _, _ in nights]):
        own = [each for each in nights if part[0] <= each[0] <= part[-1]]
        upper = [(scale.x(night), scale.y(high)) for night, _, high in own]
        lower = [(scale.x(night), scale.y(low)) for night, low, _ in reversed(own)]
        yield f'<path class="band" d="M{_path([*upper, *lower])}z"/>'


def _values(line: SeriesLine, scale: _Scale) -> Iterator[str]:
    known = {night: value for night, value in enumerate(line.values) if value is not None}
    path = "".join(
        f"M{_path([(scale.x(night), scale.y(known[night])) for night in part])}h0" for part in _unbroken([*known])
    )
    yield f'<path class="line" d="{path}"/>'
    last = max(known)
    yield f'<circle class="last" cx="{scale.x(last)}" cy="{scale.y(known[last])}" r="2.5"/>'


def _marks(lines: Lines, scale: _Scale) -> Iterator[str]:
    places = {label: place for place, label in enumerate(lines.nights)}
    by_night: dict[str, list[str]] = {}
    for mark in lines.marks:
        by_night.setdefault(mark.night, []).append(mark.words)
    for night, words in by_night.items():
        if night in places:
            x = scale.x(places[night])
            title = escape(f"{night}: {'; '.join(words)}")
            yield f'<path class="mark" d="M{x},0v{HEIGHT}"><title>{title}</title></path>'


def _unbroken(nights: Sequence[int]) -> list[list[int]]:
    """Return runs of consecutive nights: a line across a missing night would hide it."""
    parts = groupby(enumerate(nights), key=lambda pair: pair[1] - pair[0])
    return [[night for _, night in part] for _, part in parts]


def _path(points: Sequence[Point]) -> str:
    return "L".join(f"{x},{y}" for x, y in points)
