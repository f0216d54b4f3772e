"""What a comparison of two selections of the store found: plain facts for every view.

A `Comparison` holds one `Row` per cell that both sides measured, a row one `Finding` per metric. Ratios are A over B
of the number as it is printed: a latency ratio below 1 and a busbw ratio above 1 both say that A is faster.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import exp


class Verdict(StrEnum):
    """What may be said of one number of one cell."""

    A_FASTER = "a_faster"  # the interval lies beyond the margin
    B_FASTER = "b_faster"
    EQUIVALENT = "equivalent"  # the interval lies within the margin
    UNDECIDED = "undecided"  # `more_pairs` says how many more are needed
    ONE_SAMPLE = "one_sample"  # imported: one number each, so no certainty at all
    NOT_COMPARABLE = "not_comparable"  # `why` says what is missing

    @property
    def is_decided(self) -> bool:
        """Return whether more measurements would not change it."""
        return self in {Verdict.A_FASTER, Verdict.B_FASTER, Verdict.EQUIVALENT}


@dataclass(frozen=True, slots=True)
class Margin:
    """Which differences matter, and how sure to be: `share` of 0.03 is 3 %, `alpha` the risk over the whole table."""

    share: float = 0.03
    alpha: float = 0.05


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two selections: its name, what selects it, and what was found. `launches` counts launches of runs."""

    name: str
    where: str
    run_ids: tuple[str, ...]
    launches: int
    points: int


@dataclass(frozen=True, slots=True)
class Cell:
    """What both sides have in common in one row; `nodes` is None where an imported log does not say.

    `others` are (column, value) pairs that tell cells apart beside these, such as the fabric where two runs that
    both measured two fabrics are compared.
    """

    collective: str
    size_bytes: int
    dtype: str
    redop: str
    world_size: int
    nodes: int | None
    in_place: bool
    cadence: str
    launch: str
    traffic_skew: float
    placement: str
    others: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Effect:
    """How slow A is against B, as ln(A / B) of the time: 0 is equal, below 0 A is faster.

    `estimate` is Hodges-Lehmann's, `low` and `high` the signed-rank interval at 95 % of this cell by itself (infinite
    where pairs are too few), `wide_low` and `wide_high` one at 1 - alpha / m, which all m intervals of the table keep
    together. `sigma` is the spread of the pairs; `p` the risk of the verdict at this cell, `p_table` after Holm.
    """

    estimate: float
    low: float
    high: float
    wide_low: float
    wide_high: float
    sigma: float
    p: float
    p_table: float

    @property
    def faster_by(self) -> float:
        """Return by which share of its own time the slower side takes longer: 0.05 is 5 %."""
        return exp(abs(self.estimate)) - 1

    @property
    def names_winner(self) -> bool:
        """Return whether the cell's own interval excludes equality, whatever the margin."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One metric of one cell. `a` and `b` are medians over launches in `unit`; `calls` is the n of the worst case.

    `effect` is None where nothing can be compared, and then `why` says why; `pairs` counts pairs of launches,
    `more_pairs` how many more would probably decide, and is None where that is not the way out.
    """

    metric: str
    unit: str
    verdict: Verdict
    pairs: int
    a: float | None
    b: float | None
    effect: Effect | None = None
    more_pairs: int | None = None
    calls: int | None = None
    why: str = ""

    @property
    def sign(self) -> int:
        """Return 1 where more is slower, as of times, and -1 where more is faster, as of bandwidths."""
        return -1 if self.unit == "GB/s" else 1

    @property
    def ratio(self) -> float | None:
        """Return A over B of the metric itself; not that of the medians but Hodges-Lehmann's over the pairs."""
        return None if self.effect is None else exp(self.sign * self.effect.estimate)

    @property
    def ratio_interval(self) -> tuple[float, float] | None:
        """Return the ratio's interval at 95 %; 0 and infinity where pairs are too few for any."""
        if self.effect is None:
            return None
        low, high = sorted((self.sign * self.effect.low, self.sign * self.effect.high))
        return exp(low), exp(high)


@dataclass(frozen=True, slots=True)
class Row:
    """A cell and what was found of each metric, in the order in which metrics were asked for."""

    cell: Cell
    findings: tuple[Finding, ...]

    def finding(self, metric: str) -> Finding | None:
        """Return what was found of a metric."""
        return next((each for each in self.findings if each.metric == metric), None)


@dataclass(frozen=True, slots=True)
class Difference:
    """Something else than what is compared that is not the same on both sides, and in how many cells."""

    what: str
    a: str
    b: str
    cells: int


@dataclass(frozen=True, slots=True)
class Crossover:
    """Where the winner changes as sizes grow: `below` ("a" or "b") wins at smaller sizes, the other at larger ones.

    `size_bytes` is where the estimates meet, between sizes that were measured; the truth lies in low .. high.
    """

    series: Cell  # its size_bytes is 0: it stands for all sizes
    metric: str
    below: str
    size_bytes: float
    low_bytes: float
    high_bytes: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two selections held against each other.

    `compared` names the columns that differ on purpose. `is_interleaved` says that every pair was made side by side,
    in one block of one run; otherwise launches were paired in the order of time. `notes` say what a reader must know,
    `left_out` what was not compared and why; `sentences` sum up latency and bandwidth.
    """

    a: Side
    b: Side
    compared: tuple[str, ...]
    margin: Margin
    rows: tuple[Row, ...]
    differences: tuple[Difference, ...] = ()
    crossovers: tuple[Crossover, ...] = ()
    sentences: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    is_interleaved: bool = False
    is_simulated: bool = False
    imported_from: str = ""

    def findings(self) -> Iterator[tuple[Cell, Finding]]:
        """Yield every finding with its cell."""
        for row in self.rows:
            for finding in row.findings:
                yield row.cell, finding

    @property
    def verdicts(self) -> Mapping[Verdict, int]:
        """Return how many findings there are of each verdict."""
        found = [finding.verdict for _, finding in self.findings()]
        return {verdict: found.count(verdict) for verdict in Verdict if verdict in found}

    @property
    def more_pairs(self) -> int:
        """Return how many more pairs would probably decide everything that more pairs can decide; 0 when nothing."""
        return max((finding.more_pairs or 0 for _, finding in self.findings()), default=0)

    @property
    def is_first_slower(self) -> bool:
        """Return whether A is slower than B, beyond the margin, in any finding."""
        return Verdict.B_FASTER in self.verdicts

    def name(self, side: str) -> str:
        """Return what the reader calls the side "a" or "b"."""
        return self.a.name if side == "a" else self.b.name
