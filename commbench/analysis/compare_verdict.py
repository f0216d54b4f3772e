"""From pairs to verdicts: every number of every cell against the margin, corrected over the whole table."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt

import numpy as np

from commbench.analysis.compare_metrics import UNITS, Floats, Values
from commbench.analysis.comparison import Effect, Finding, Margin, Verdict
from commbench.statistics.holm import holm
from commbench.statistics.pairs_needed import FEWEST_PAIRS, POWER, fewest_pairs, log_margin, pairs_needed
from commbench.statistics.signed_rank import Risks, locate, risks, walsh_averages

# The same question under another name: a bandwidth is the size over that time, so both are one claim of the table.
_SAME_AS = {"busbw": ("p50", "mean")}

Key = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Question:
    """One metric of one cell, before the table is known: its values and the Walsh averages of its pairs' ln(A / B)."""

    place: int  # of the cell in the table
    metric: str
    values: Values
    differences: Floats
    averages: Floats
    risks: Risks

    @classmethod
    def of(cls, place: int, metric: str, values: Values, limit: float) -> "Question":
        """Return the question of a metric's values, against a margin of `limit` between logarithms."""
        sign = -1.0 if UNITS[metric] == "GB/s" else 1.0
        differences: Floats = sign * (np.log(values.a) - np.log(values.b))
        averages = walsh_averages(differences)
        risk = risks(averages, limit) if len(differences) else Risks(1.0, 1.0, 1.0)
        return cls(place, metric, values, differences, averages, risk)

    @property
    def key(self) -> Key:
        """Return what tells it apart in its table."""
        return self.place, self.metric

    @property
    def pairs(self) -> int:
        """Return how many pairs answer it."""
        return len(self.differences)


def findings(questions: Sequence[Question], margin: Margin, *, is_imported: bool) -> list[Finding]:
    """Return what the pairs say of every question, in their order.

    Risks are corrected by Holm over all questions that can be answered; a bandwidth beside the time it comes from is
    no question of its own. A verdict needs six pairs and a corrected risk of at most alpha.
    """
    of_time = _twins(questions)
    asked = [question for question in questions if question.pairs and question.key not in of_time]
    risks_in_table = holm([question.risks.least for question in asked])
    in_table = dict(zip((question.key for question in asked), risks_in_table, strict=True))
    table = _Table(len(asked), sum(risk > margin.alpha for risk in risks_in_table), margin)
    return [
        _finding(question, table, in_table.get(of_time.get(question.key, question.key), 1.0), is_imported=is_imported)
        for question in questions
    ]


def _twins(questions: Sequence[Question]) -> dict[Key, Key]:
    """Return, of each bandwidth, the question about the time that it comes from, where that is asked as well."""
    pairs = {question.key: question.pairs for question in questions}
    return {
        question.key: (question.place, name)
        for question in questions
        for name in _SAME_AS.get(question.metric, ())
        if question.pairs and pairs.get((question.place, name)) == question.pairs
    }


@dataclass(frozen=True, slots=True)
class _Table:
    """The table that a question belongs to: how many questions it has, and how many are not decided."""

    questions: int
    still_open: int
    margin: Margin

    @property
    def limit(self) -> float:
        return log_margin(self.margin.share)

    @property
    def alpha_of_all(self) -> float:
        """Return the risk at which intervals hold for all questions together (Bonferroni)."""
        return self.margin.alpha / max(self.questions, 1)

    @property
    def alpha_of_next(self) -> float:
        """Return the risk that the next question must reach for Holm to decide it."""
        return self.margin.alpha / max(self.still_open, 1)


def _finding(question: Question, table: _Table, p_table: float, *, is_imported: bool) -> Finding:
    values, unit = question.values, UNITS[question.metric]
    if not question.pairs:
        return Finding(question.metric, unit, Verdict.NOT_COMPARABLE, 0, None, None, why=values.why)
    effect = _effect(question, table, p_table)
    verdict = _verdict(question, effect, table.margin, is_imported=is_imported)
    more = _more_pairs(question, effect, table) if verdict is Verdict.UNDECIDED else None
    middle = (float(np.median(values.a)), float(np.median(values.b)))
    return Finding(question.metric, unit, verdict, question.pairs, *middle, effect, more, values.calls)


def _effect(question: Question, table: _Table, p_table: float) -> Effect:
    own, wide = (locate(question.averages, alpha) for alpha in (0.05, table.alpha_of_all))
    sigma = float(np.std(question.differences, ddof=1)) if question.pairs > 1 else inf
    return Effect(own.estimate, own.low, own.high, wide.low, wide.high, sigma, question.risks.least, p_table)


def _verdict(question: Question, effect: Effect, margin: Margin, *, is_imported: bool) -> Verdict:
    if is_imported and question.pairs == 1:
        return Verdict.ONE_SAMPLE
    if question.pairs < FEWEST_PAIRS or effect.p_table > margin.alpha:
        return Verdict.UNDECIDED
    if question.risks.below == effect.p:
        return Verdict.A_FASTER
    return Verdict.B_FASTER if question.risks.above == effect.p else Verdict.EQUIVALENT


def _more_pairs(question: Question, effect: Effect, table: _Table) -> int:
    """Return how many more pairs would probably decide: design 2.7, from the spread and the way to the margin.

    The way is taken from the estimate, but as the truth may lie anywhere in the interval it is never taken shorter
    than half of that (nor, for this, longer than the margin): a first estimate close to the margin by chance must
    not ask for thousands.
    """
    alpha, limit = table.alpha_of_next, table.limit
    if question.pairs == 1:
        return fewest_pairs(alpha) - 1
    way = abs(abs(effect.estimate) - limit)
    way = max(way, min(2 * effect.sigma / sqrt(question.pairs), limit))
    is_within = abs(effect.estimate) <= limit
    power = (1 + POWER) / 2 if is_within else POWER  # within the margin both ends must be shown
    if way == 0:  # all pairs alike and exactly on the margin: nothing will ever decide
        return fewest_pairs(alpha)
    return max(1, pairs_needed(effect.sigma, way, alpha, power) - question.pairs)
