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
    needs another such night, `is_sudden` none.
    """

    first_scales: "Floats"
    first_effect: "Floats"
    scales: "Floats"
    effect: "Floats"
    suspects: "Flags"
    confirmed: "Flags"
    middle: "Floats"
    scale: "Floats"
    is_bad: "Flags"
    is_sudden: "Flags"


@dataclass(frozen=True, slots=True)
class Against:
    """What a night is held against [M, S]: baseline, who may be judged, and whose last night was bad already."""

    middle: "Floats"
    scale: "Floats"
    able: "Flags"
    was_bad: "Flags"


def score(first: "Floats", repeats: "Floats", against: Against, alarm_scales: "Floats", rule: "Rule") -> Score:
    """Return the scores of a night: `first` [M, S], `repeats` [M, S, R], `alarm_scales` [M] that it takes to be bad."""
    middle, scale, able = against.middle, against.scale, against.able
    first_effect = first - middle
    first_scales = first_effect / scale
    least = np.where(against.was_bad, rule.again_scales, rule.suspect_scales)
    looks_bad = able & (first_scales > least) & (first_effect > rule.suspect_share)
    suspects: Flags = np.any(looks_bad, axis=0)
    used = np.where(suspects[None, :, None], repeats, np.nan)
    every = np.concatenate([first[:, :, None], used], axis=-1) - middle[:, :, None]
    confirmed: Flags = np.any(np.isfinite(used).sum(axis=-1) >= rule.repeats, axis=0)
    effect = nan_median(every)
    scales = effect / scale
    bar = np.where(confirmed[None, :], alarm_scales[:, None], rule.unconfirmed_scales)
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
        is_bad=able & (scales > bar) & (effect > rule.alarm_share),
        is_sudden=able & confirmed & (least > rule.sudden_scales * scale) & (least > rule.sudden_share),
    )
