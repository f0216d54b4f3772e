"""The charts of a comparison: bandwidth, latency and worst case over sizes, distributions, and ranks."""

from collections.abc import Callable, Mapping
from html import escape
from math import ceil, floor, log10

from commbench.analysis.compare_curves import Curve, Heat, SeriesCurves
from commbench.report.markup import Markup
from commbench.report.plot import Drawn, linear_axis, plot, svg
from commbench.report.ticks import Axis, size_axis, value_axis
from commbench.report.words import bandwidth, one_line
from commbench.units import format_size, format_time_us

Names = tuple[str, str]

_TITLES = {"busbw": "busbw (GB/s)", "p50": "latency, p50", "worst": "worst call of a launch"}
_SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
_CELL, _LEFT_OF_HEAT, _TOP_OF_HEAT = 34, 84, 40
_FEW, _TICKS = 3.0, 5  # below a ratio of 3 decades have too few ticks
_MOST_NUMBERS = 32  # ranks; narrower cells hold no number
_DARK = 0.5  # from this share on a cell's number is white


def curve_plots(series: SeriesCurves, names: Names, title: str) -> dict[str, Markup]:
    """Return a chart for each of busbw, p50 and worst that both sides have."""
    drawn = {}
    for metric in _TITLES:
        curves = [side.curves.get(metric) for side in (series.a, series.b)]
        known = [curve for curve in curves if curve is not None]
        if len(known) == len(curves):
            drawn[metric] = _curves(metric, known, names, title)
    return drawn


def _curves(metric: str, curves: list[Curve], names: Names, title: str) -> Markup:
    text: Callable[[float], str] = (lambda value: f"{bandwidth(value)} GB/s") if metric == "busbw" else format_time_us
    lines = [
        Drawn(
            name,
            side,
            curve.sizes_bytes,
            curve.middle,
            curve.low,
            curve.high,
            [
                f"{name}, {format_size(size)}: {text(middle)}, launches {text(low)} to {text(high)}"
                for size, middle, low, high in zip(curve.sizes_bytes, curve.middle, curve.low, curve.high, strict=True)
            ],
        )
        for side, (curve, name) in enumerate(zip(curves, names, strict=True))
    ]
    values = [value for curve in curves for value in (*curve.low, *curve.high)]
    y = value_axis(values, (lambda value: f"{value:g}") if metric == "busbw" else format_time_us)
    x = size_axis([size for curve in curves for size in curve.sizes_bytes])
    return plot(lines, x, y, ("message size", _TITLES[metric]), f"{_TITLES[metric]} over message size: {title}")


def distribution_plots(series: SeriesCurves, names: Names, title: str) -> Mapping[int, Markup]:
    """Return an ECDF of the calls' latencies for each size that both sides have."""
    common = sorted(series.a.distributions.keys() & series.b.distributions.keys())
    return {size: _ecdf(size, series, names, title) for size in common}


def _ecdf(size: int, series: SeriesCurves, names: Names, title: str) -> Markup:
    both = [side.distributions[size] for side in (series.a, series.b)]
    lines = [
        Drawn(
            f"{name}, {each.calls} calls",
            side,
            (each.times_us[0], *each.times_us),
            (0.0, *each.shares),
            is_stepped=True,
        )
        for side, (each, name) in enumerate(zip(both, names, strict=True))
    ]
    x = _time_axis([time_us for each in both for time_us in each.times_us])
    y = linear_axis(_SHARES, lambda share: f"{share:.0%}")
    label = f"share of calls that took at most so long, {format_size(size)}: {title}"
    return plot(lines, x, y, ("latency of a call", "share of calls"), label)


def _time_axis(times_us: list[float]) -> Axis:
    """Return a log axis, or a plain one with round ticks where times are too close for decades to tell them apart."""
    low, high = min(times_us), max(times_us)
    if high > _FEW * low:
        return value_axis(times_us, format_time_us)
    magnitude = 10.0 ** floor(log10((high - low or low) / _TICKS))
    step = next(each * magnitude for each in (1, 2, 5, 10) if each * magnitude * _TICKS >= high - low)
    return linear_axis([step * place for place in range(floor(low / step), ceil(high / step) + 1)], format_time_us)


def heat_plot(heat: Heat, name: str, title: str) -> Markup:
    """Return who came last: a column per rank, a row per size; the darker, the more often."""
    width = _LEFT_OF_HEAT + _CELL * len(heat.ranks) + 10
    height = _TOP_OF_HEAT + _CELL * len(heat.sizes_bytes) + 10
    has_numbers = len(heat.ranks) <= _MOST_NUMBERS
    shapes = []
    for column, (rank, host) in enumerate(zip(heat.ranks, heat.hosts, strict=True)):
        x = _LEFT_OF_HEAT + _CELL * column + _CELL / 2
        said = f"<title>rank {rank} on {escape(one_line(host))}</title>"
        shapes.append(
            f'<text x="{x}" y="{_TOP_OF_HEAT - 8}" text-anchor="middle" fill="currentColor">{rank}{said}</text>'
        )
    for row, (size, shares) in enumerate(zip(heat.sizes_bytes, heat.shares, strict=True)):
        y = _TOP_OF_HEAT + _CELL * row
        text = f'x="{_LEFT_OF_HEAT - 6}" y="{y + _CELL / 2 + 4}" text-anchor="end" fill="currentColor"'
        shapes.append(f"<text {text}>{format_size(size)}</text>")
        for column, share in enumerate(shares):
            shapes.append(_heat_cell(_LEFT_OF_HEAT + _CELL * column, y, share, has_numbers=has_numbers))
    return svg(f"who came last, by rank and size, {name}: {title}", "".join(shapes), width, height)


def _heat_cell(x: float, y: float, share: float, *, has_numbers: bool) -> str:
    """Return a cell of one hue, so that only lightness tells: readable for all kinds of sight, and on paper."""
    known = share if share == share else 0.0  # noqa: PLR0124 - not a number where a rank has no value at a size
    inner = _CELL - 2
    opacity = 0.06 + 0.94 * known
    cell = (
        f'<rect x="{x}" y="{y}" width="{inner}" height="{inner}" fill="#08519c" fill-opacity="{opacity:.2f}">'
        f"<title>{known:.0%} of the calls</title></rect>"
    )
    if not has_numbers:
        return cell
    ink = "#ffffff" if known > _DARK else "currentColor"
    middle = f'x="{x + inner / 2}" y="{y + inner / 2 + 4}" text-anchor="middle" font-size="11"'
    return f'{cell}<text {middle} fill="{ink}">{100 * known:.0f}</text>'
