"""From a comparison, a workload and prices to the one table of those who choose."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from commbench.analysis.choice import NOT_GIVEN, NOT_MEASURED, Choice, Figure, Line
from commbench.analysis.choice_input import Prices, Workload
from commbench.analysis.choice_money import Gain, Priced, break_even, cost_lines
from commbench.analysis.choice_recovery import recovery
from commbench.analysis.choice_step import Step, gain, like, step_of
from commbench.analysis.compare_pairs import usable
from commbench.analysis.comparison import Cell, Comparison, Finding, Row
from commbench.units import format_size

# What the choice reads of points beside the columns of the comparison itself.
EXTRA_COLUMNS = ("latency_mean_us", "link_rate_gbit_s", "fabric_counters_json", "first_call_us")
_FIRST = "all_reduce"  # what most training spends its communication on
_BITS = 8
_CARRIES = 0.1  # of what the busiest link of a host sent: a link below that only gossips


@dataclass(frozen=True, slots=True)
class Rows:
    """One side's rows of points: every attempt, with the columns of `compare.COLUMNS` and EXTRA_COLUMNS."""

    attempts: pd.DataFrame

    @property
    def good(self) -> pd.DataFrame:
        """Return the rows with a right result and a time."""
        return usable(self.attempts)


def choose(
    comparison: Comparison, sides: tuple[Rows, Rows], workloads: Sequence[Workload] = (), prices: Prices | None = None
) -> Choice:
    """Return the table of the two sides of a comparison; lines that nothing is known of say why."""
    names = comparison.a.name, comparison.b.name
    small, large = _cells(comparison)
    good = sides[0].good, sides[1].good
    alike = _alike(good[0], large, comparison.compared), _alike(good[1], large, comparison.compared)
    of_small, of_large = (_name(row, comparison.compared) for row in (small, large))
    bandwidths = _both(large, "busbw")
    priced = _priced(prices, names[0], good[0]), _priced(prices, names[1], good[1])
    lines = [
        *_latency(small, of_small),
        _line("throughput", f"busbw, {of_large}", "GB/s", bandwidths),
        _line("throughput", f"busbw of the line rate, {of_large}", "share", _of_line_rate(bandwidths, alike)),
        *(line for workload in workloads for line in _utilisation(workload, alike)),
        *(cost_lines(prices, priced, bandwidths)),
        _line("recovery", "killed rank to next good call", "s", tuple(recovery(side.attempts) for side in sides)),
    ]
    if not workloads:
        lines.insert(4, _line("utilisation", "step lost to communication", "share", _none(f"workload {NOT_GIVEN}")))
    # Steps are what a whole cluster is bought for; a fabric by itself brings bandwidth.
    counted = workloads if prices is not None and prices.cluster is not None else ()
    even, why = break_even(prices, priced, _gain(large, of_large, counted, alike))
    return Choice(*names, tuple(lines), even, why, comparison.is_simulated)


def _priced(prices: Prices | None, name: str, good: pd.DataFrame) -> Priced:
    """Return what a side costs: the price given under its name, else that of the one fabric that it measured."""
    measured = [str(fabric) for fabric in good["fabric"].dropna().unique()]
    called = [name, *(measured if len(measured) == 1 else [])]
    known = [cost for each in called if prices and (cost := prices.of(each))]
    return Priced(name, known[0] if known else None)


def _cells(comparison: Comparison) -> tuple[Row | None, Row | None]:
    """Return the smallest and the largest message of one collective on the most ranks."""
    known = [row for row in comparison.rows if any(finding.effect for finding in row.findings)]
    named = [row for row in known if row.cell.collective == _FIRST] or known
    if not named:
        return None, None
    first = max(named, key=lambda row: row.cell.world_size).cell
    alike = [row for row in named if _series(row.cell) == _series(first)]
    return min(alike, key=lambda row: row.cell.size_bytes), max(alike, key=lambda row: row.cell.size_bytes)


def _series(cell: Cell) -> tuple[object, ...]:
    return (
        *(cell.collective, cell.world_size, cell.nodes, cell.dtype, cell.redop, cell.in_place, cell.cadence),
        *(cell.launch, cell.placement, cell.traffic_skew, cell.others),
    )


def _alike(good: pd.DataFrame, large: Row | None, compared: Sequence[str]) -> pd.DataFrame:
    return like(good, large.cell, compared) if large else good.head(0)


def _name(row: Row | None, compared: Sequence[str]) -> str:
    """Return what both sides have in common in a row; ranks that are compared on purpose are in the sides' names."""
    if row is None:
        return "nothing compared"
    ranks = "" if "world_size" in compared else f", {row.cell.world_size} ranks"
    is_said = "nodes" not in compared and row.cell.nodes is not None and row.cell.nodes > 1
    nodes = f", {row.cell.nodes} nodes" if is_said else ""
    return f"{row.cell.collective} {format_size(row.cell.size_bytes)}{ranks}{nodes}"


def _latency(small: Row | None, name: str) -> list[Line]:
    worst = small.finding("worst") if small else None
    calls = f" of {worst.calls} calls" if worst and worst.calls else ""
    return [
        _line("latency", f"p50, {name}", "us", _both(small, "p50")),
        _line("latency", f"worst{calls} (median launch), {name}", "us", _both(small, "worst")),
    ]


def _both(row: Row | None, metric: str) -> tuple[Figure, Figure]:
    finding = row.finding(metric) if row else None
    if finding is None or finding.a is None or finding.b is None:
        return _none(finding.why if finding and finding.why else NOT_MEASURED)
    return Figure(finding.a), Figure(finding.b)


def _none(why: str) -> tuple[Figure, Figure]:
    return Figure(None, why), Figure(None, why)


def _line(topic: str, name: str, unit: str, figures: tuple[Figure, ...]) -> Line:
    return Line(topic, name, unit, figures[0], figures[1])


def _of_line_rate(bandwidths: tuple[Figure, Figure], alike: tuple[pd.DataFrame, pd.DataFrame]) -> tuple[Figure, ...]:
    return tuple(_share(figure, rows) for figure, rows in zip(bandwidths, alike, strict=True))


def _share(bandwidth: Figure, rows: pd.DataFrame) -> Figure:
    """Return busbw over what the links of one host carry together."""
    if bandwidth.value is None:
        return bandwidth
    rates = rows["link_rate_gbit_s"].dropna()
    if rates.empty:
        return Figure(None, "line rate not known; the suite may say link_rate_gbit_s")
    links = _links_per_host(rows)
    count = links or 1
    note = f"{count} x {rates.min():g} Gbit/s" + ("" if links else ", one link assumed")
    return Figure(bandwidth.value * _BITS / (float(rates.min()) * count), note=note)


def _links_per_host(rows: pd.DataFrame) -> int:
    """Return how many links of the host with the fewest carried the bytes; 0 where nobody counted."""
    found = []
    for text in rows["fabric_counters_json"].dropna().drop_duplicates():
        for links in json.loads(text or "{}").values():
            sent = [link.get("tx_bytes") or 0 for link in links.values()]
            if sent and max(sent) > 0:
                found.append(sum(each >= _CARRIES * max(sent) for each in sent))
    return min(found, default=0)


def _utilisation(workload: Workload, alike: tuple[pd.DataFrame, pd.DataFrame]) -> list[Line]:
    steps = [step_of(workload, rows) for rows in alike]
    shares = tuple(Figure(s.lost_share) if isinstance(s, Step) else Figure(None, s) for s in steps)
    totals = tuple(Figure(s.total_ms) if isinstance(s, Step) else Figure(None, s) for s in steps)
    return [
        _line("utilisation", f"step lost to communication ({workload.name})", "share", shares),
        _line("utilisation", f"time of a step ({workload.name})", "ms", totals),
    ]


def _gain(
    large: Row | None, name: str, workloads: Sequence[Workload], alike: tuple[pd.DataFrame, pd.DataFrame]
) -> Gain | None:
    """Return how much more A brings than B: steps of the first workload that both can be told of, else GB/s."""
    if large is None:
        return None
    for workload in workloads:
        found = gain(workload, *alike)
        if found is not None:
            return Gain(found.estimate, found.low, found.high, f"steps of {workload.name}", is_of_steps=True)
    finding: Finding | None = large.finding("busbw")
    if finding is None or finding.effect is None:
        return None
    effect = finding.effect
    # An effect is of the time, and less time is more bandwidth.
    return Gain(-effect.estimate, -effect.high, -effect.low, f"busbw of {name}", is_of_steps=False)
