"""Tick marks of log axes: message sizes in binary units, times and bandwidths at one, two and five."""

from collections.abc import Callable, Iterable
from math import ceil, floor, log2, log10

from commbench.units import format_size

Axis = dict[str, object]

_MAX_SIZE_TICKS = 8  # more collide on a telephone
_MANY_DECADES = 3.4  # from here on a tick per decade is enough
_FEW_DECADES = 1.2  # below this the twos and fives are too few
_MARGIN = 0.06  # of the span, left free on either side


def size_axis(sizes_bytes: Iterable[int]) -> Axis:
    """Return a log axis with powers of two, as plotly takes it."""
    sizes = sorted(sizes_bytes)
    low, high = floor(log2(sizes[0])), ceil(log2(sizes[-1]))
    step = max(1, ceil((high - low + 1) / _MAX_SIZE_TICKS))
    values = [2.0**power for power in range(low, high + 1, step)]
    return _axis(values, lambda size: format_size(int(size)), sizes[0], sizes[-1])


def value_axis(values: Iterable[float], text: Callable[[float], str]) -> Axis:
    """Return a log axis with decades, or with steps of one, two and five where there are few."""
    ordered = sorted(values)
    low, high = log10(ordered[0]), log10(ordered[-1])
    span = high - low
    steps = (
        (1.0,) if span > _MANY_DECADES else (1.0, 2.0, 5.0) if span > _FEW_DECADES else (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
    )
    ticks = [step * 10.0**power for power in range(floor(low), ceil(high) + 1) for step in steps]
    return _axis(ticks, text, ordered[0], ordered[-1])


def _axis(ticks: list[float], text: Callable[[float], str], low: float, high: float) -> Axis:
    margin = _MARGIN * (log10(high) - log10(low)) or log10(2)
    return {
        "type": "log",
        "range": [log10(low) - margin, log10(high) + margin],
        "tickmode": "array",
        "tickvals": ticks,
        "ticktext": [text(tick) for tick in ticks],
    }
