"""What a fabric costs for what it brings, and from which gain on the dearer one pays."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp

from commbench.analysis.choice import NOT_GIVEN, BreakEven, Figure, Line
from commbench.analysis.choice_input import Cost, Prices

_PER_HOUR, _PURCHASE = "by the hour", "of the purchase"


@dataclass(frozen=True, slots=True)
class Gain:
    """ln of how much more A brings than B in the same time, with its interval at 95 %, and of what."""

    estimate: float
    low: float
    high: float
    what: str
    is_of_steps: bool


@dataclass(frozen=True, slots=True)
class Priced:
    """One side: what the reader calls it, and what it costs where that is given."""

    name: str
    cost: Cost | None


def cost_lines(prices: Prices | None, sides: tuple[Priced, Priced], bandwidths: tuple[Figure, Figure]) -> list[Line]:
    """Return what each fabric costs, and what a GB/s of its bandwidth does; one line that says so without prices."""
    if prices is None:
        figure = Figure(None, f"prices {NOT_GIVEN}")
        return [Line("cost", "cost per effective GB/s", "", figure, figure)]
    lines = []
    for what, cost_of in ((_PURCHASE, _purchase), (_PER_HOUR, prices.per_hour)):
        costs = tuple(_figure(side, cost_of) for side in sides)
        per_bandwidth = tuple(_over(cost, bandwidth) for cost, bandwidth in zip(costs, bandwidths, strict=True))
        if what == _PURCHASE and all(cost.value is None for cost in costs):
            continue
        currency = prices.currency
        lines.append(Line("cost", f"fabric, {what}", currency, costs[0], costs[1]))
        lines.append(Line("cost", f"per effective GB/s, {what}", currency, per_bandwidth[0], per_bandwidth[1]))
    return lines


def _purchase(cost: Cost) -> float | None:
    return cost.purchase or None


def _figure(side: Priced, cost_of: Callable[[Cost], float | None]) -> Figure:
    if side.cost is None:
        return Figure(None, f"price of {side.name} {NOT_GIVEN}")
    value = cost_of(side.cost)
    if value is not None:
        return Figure(value)
    return Figure(None, f"years {NOT_GIVEN}" if side.cost.purchase else f"purchase {NOT_GIVEN}")


def _over(cost: Figure, bandwidth: Figure) -> Figure:
    if cost.value is None or not bandwidth.value:
        return cost if cost.value is None else bandwidth
    return Figure(cost.value / bandwidth.value)


def break_even(prices: Prices | None, sides: tuple[Priced, Priced], gain: Gain | None) -> tuple[BreakEven | None, str]:
    """Return the gain at which the dearer fabric pays beside the measured one; or None, and why.

    A fabric pays when what it brings grows at least as what is paid for it: (C + A) / (C + B) - 1, where C is the rest
    of the cluster if its price is given and steps are counted, else nothing: then only the fabric's own money counts.
    """
    if prices is None:
        return None, f"prices {NOT_GIVEN}"
    if gain is None:
        return None, "no gain was measured on both sides"
    fabrics = [side.cost for side in sides if side.cost is not None]
    if len(fabrics) < len(sides):
        missing = [side.name for side in sides if side.cost is None]
        return None, f"price of {' and '.join(missing)} {NOT_GIVEN}"
    costs, how = _totals(prices, fabrics, is_with_cluster=gain.is_of_steps)
    if costs is None:
        return None, how
    a, b = costs
    if a == b:
        return None, "both cost the same"
    sign = 1 if a > b else -1
    low, high = sorted((sign * gain.low, sign * gain.high))
    needed = max(a, b) / min(a, b) - 1
    measured, low, high = (exp(min(each, _MOST)) - 1 for each in (sign * gain.estimate, low, high))
    basis = f"{gain.what} against the price {how}"
    return BreakEven(sides[0 if a > b else 1].name, needed, measured, low, high, basis), ""


_MOST = 700.0  # the exponential of more overflows: too few pairs for any interval


def _totals(
    prices: Prices, fabrics: Sequence[Cost], *, is_with_cluster: bool
) -> tuple[tuple[float, float] | None, str]:
    rest = prices.cluster if is_with_cluster else None
    of = "of the whole cluster" if rest else "of the fabric alone"
    for how, cost_of in (("by the hour", prices.per_hour), ("bought", _purchase)):
        own = [cost_of(fabric) for fabric in fabrics]
        more = cost_of(rest) if rest else 0.0
        if more is not None and all(own):
            a, b = (float(each or 0.0) + more for each in own)
            return (a, b), f"{of}, {how}"
    return None, f"prices that both have in common {NOT_GIVEN}"
