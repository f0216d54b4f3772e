"""A comparison in words: verdicts under the names that people gave, and what stands above every table."""

from collections.abc import Mapping
from dataclasses import asdict
from math import isinf

from commbench.analysis.comparison import Cell, Comparison, Crossover, Effect, Finding, Verdict
from commbench.report.series import variable
from commbench.report.words import SIMULATED_NOTE, count_of, imported_note, one_line
from commbench.units import format_size

# What a cell's title says beside its collective, and the values that go without saying.
_SAID = ("world_size", "nodes", "placement", "in_place", "dtype", "redop", "cadence", "launch", "traffic_skew")
_PLAIN: Mapping[str, object] = {"launch": "host", "traffic_skew": 0.0, "placement": ""}


def percent(share: float) -> str:
    """Return a share as a percentage with at most three digits: `5.3 %`."""
    return f"{100 * share:.3g} %"


def verdict_words(finding: Finding, comparison: Comparison) -> str:
    """Return the verdict as a sentence: `infiniband faster by 5.3 %`, `undecided: run 8 more blocks`."""
    effect = finding.effect
    if finding.verdict is Verdict.NOT_COMPARABLE or effect is None:
        return f"not comparable: {one_line(finding.why)}"
    ahead = _ahead(effect, comparison)
    if finding.verdict is Verdict.EQUIVALENT:
        return f"equivalent within {percent(comparison.margin.share)}"
    if finding.verdict is Verdict.UNDECIDED:
        leaning = f" ({ahead} ahead)" if effect.names_winner else ""
        return f"undecided{leaning}: run {_more(finding.more_pairs or 1, comparison)}"
    if finding.verdict is Verdict.ONE_SAMPLE:
        return f"{_faster(effect, ahead)} in one sample each: no certainty"
    return _faster(effect, ahead)


def _faster(effect: Effect, ahead: str) -> str:
    return f"{ahead} faster by {percent(effect.faster_by)}" if effect.estimate else "equal"


def _ahead(effect: Effect, comparison: Comparison) -> str:
    return one_line(comparison.a.name if effect.estimate < 0 else comparison.b.name)


def _more(count: int, comparison: Comparison) -> str:
    """Return what to run so many more of: a block has a launch of each."""
    plural = "s" if count > 1 else ""
    return (
        f"{count} more block{plural}"
        if comparison.is_interleaved
        else f"{count} more launch{'es' * (count > 1)} of each"
    )


def ratio_words(finding: Finding) -> tuple[str, str]:
    """Return A / B and its interval; both empty where nothing is known."""
    ratio, interval = finding.ratio, finding.ratio_interval
    if ratio is None or interval is None:
        return "", ""
    low, high = interval
    return f"{ratio:.3f}", "" if isinf(high) else f"{low:.3f} .. {high:.3f}"


def title(cell: Cell, compared: tuple[str, ...]) -> str:
    """Return what a group of cells that differ in size only is called: `all_reduce: 4 ranks, 2 nodes, in place`."""
    row = asdict(cell)
    said = [name for name in _SAID if name not in compared and row[name] != _PLAIN.get(name)]
    parts = [text for name in said if (text := variable(row, name))]
    others = [f"{name} {one_line(value)}" for name, value in cell.others if value]
    return f"{one_line(cell.collective)}: {', '.join([*parts, *others])}"


def heading(comparison: Comparison) -> str:
    """Return which two are compared, from how many pairs, and against which margin."""
    counts = [finding.pairs for _, finding in comparison.findings() if finding.pairs]
    low, high = min(counts, default=0), max(counts, default=0)
    pairs = count_of(high, "pair") if low == high else f"{low} to {high} pairs"
    how = "side by side in blocks" if comparison.is_interleaved else "in the order of time"
    names = f"{one_line(comparison.a.name)} against {one_line(comparison.b.name)}"
    risk = f"{100 * (1 - comparison.margin.alpha):.3g} % for the whole table"
    return f"{names}: {pairs} of launches, {how}; margin {percent(comparison.margin.share)}, {risk}"


def crossover_words(crossover: Crossover, comparison: Comparison) -> str:
    """Return where the winner changes."""
    winners = (crossover.below, "b" if crossover.below == "a" else "a")
    below, above = (one_line(comparison.name(side)) for side in winners)
    sizes = [format_size(round(size)) for size in (crossover.size_bytes, crossover.low_bytes, crossover.high_bytes)]
    where = f"at {sizes[0]} (between {sizes[1]} and {sizes[2]})"
    what = title(crossover.series, comparison.compared)
    return f"{what}: {below} is faster below, {above} above; the {crossover.metric} crosses {where}"


def remarks(comparison: Comparison) -> list[str]:
    """Return everything that a reader must know beside the numbers, most important first."""
    labels = [SIMULATED_NOTE] if comparison.is_simulated else []
    labels += [imported_note(one_line(comparison.imported_from))] if comparison.imported_from else []
    different = [
        f"also different: {one_line(each.what)}: {one_line(each.a)} against {one_line(each.b)}"
        f" ({count_of(each.cells, 'cell')})"
        for each in comparison.differences
    ]
    left_out = [f"left out: {one_line(words)}" for words in comparison.left_out]
    crossings = [crossover_words(each, comparison) for each in comparison.crossovers]
    sentences = [one_line(sentence) for sentence in comparison.sentences]
    return [
        *labels,
        *sentences,
        *crossings,
        *map(one_line, comparison.notes),
        *different,
        *left_out,
        *_next(comparison),
    ]


def _next(comparison: Comparison) -> list[str]:
    open_cells = comparison.verdicts.get(Verdict.UNDECIDED, 0)
    if not open_cells:
        return []
    return [
        f"{count_of(open_cells, 'number')} undecided; to decide all: run {_more(comparison.more_pairs, comparison)}"
    ]
