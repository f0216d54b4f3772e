"""One night against the baseline: which series are suspects, and which alarm."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from commbench.statistics.robust import nan_median

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from commbench.analysis.nightly.rule import Rule

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Score:
    """A night of all series: above the baseline in scales and in log time [M, S]; NaN where not measured.

    `first_*` are of the first measurement, the others of the median of all. `suspects` [S] deserve to be measured
    again, `confirmed` [S] were, as often as the rule asks. `middle` and `scale` are the baseline's. `is_bad` [M, S]
    needs another such night, `is_sudden` none. `mean_bar` [M, S] is what both nights' mean must reach, in scales.
    """

    first_scales: "Floats"
    first_effect: "Floats"
    scales: "Floats"
    effect: "Floats"
    suspects: "Flags"
    confirmed: "Flags"
    middle: "Floats"
    scale: "Floats"
    mean_bar: "Floats"
    is_bad: "Flags"
    is_sudden: "Flags"


@dataclass(frozen=True, slots=True)
class Against:
    """What a night is held against [M, S]: baseline, who may be judged, and whose last night was bad already."""

    middle: "Floats"
    scale: "Floats"
    able: "Flags"
    was_bad: "Flags"


def alarm_bar(scale: "Floats", is_tail: "Flags", rule: "Rule") -> "Floats":
    """Return how many scales [M, S] the mean of two nights must be above the baseline to alarm; `scale` is [M, S].

    A noisy series needs fewer: most of its scale is what one run differs from the next, and that is averaged out by the
    medians of two nights. What is left is drift, which is no larger for a noisy series than for a steady one.
    """
    level = rule.alarm_scales * (rule.drift_share / scale + rule.averaged_noise)
    return np.where(is_tail[:, None], rule.tail_scales, level)


def score(first: "Floats", repeats: "Floats", against: Against, is_tail: "Flags", rule: "Rule") -> Score:
    """Return the scores of a night: `first` [M, S], `repeats` [M, S, R]; `is_tail` [M] tells tails from levels."""
    middle, scale, able = against.middle, against.scale, against.able
    first_effect = first - middle
    first_scales = first_effect / scale
    mean_bar = alarm_bar(scale, is_tail, rule)
    least = np.where(against.was_bad, rule.again_scales, rule.suspect_bar * mean_bar)
    looks_bad = able & (first_scales > least) & (first_effect > rule.suspect_share)
    suspects: Flags = np.any(looks_bad, axis=0)
    used = np.where(suspects[None, :, None], repeats, np.nan)
    every = np.concatenate([first[:, :, None], used], axis=-1) - middle[:, :, None]
    confirmed: Flags = np.any(np.isfinite(used).sum(axis=-1) >= rule.repeats, axis=0)
    effect = nan_median(every)
    scales = effect / scale
    bar = np.where(confirmed[None, :], rule.each_bar * mean_bar, rule.unconfirmed_scales)
    least = np.where(np.isfinite(every), every, np.inf).min(axis=-1)
    return Score(
        first_scales,
        first_effect,
        scales,
        effect,
        suspects,
        confirmed,
        middle,
        scale,
        mean_bar,
        is_bad=able & (scales > bar) & (effect > rule.alarm_share),
        is_sudden=able & confirmed & (least > rule.sudden_scales * scale) & (least > rule.sudden_share),
    )
