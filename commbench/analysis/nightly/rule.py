"""The constants of the nightly rule, in one place, each with its source.

Where a source says `truth-regress`, the constant was chosen on seeds 0-9 of the generator in tests/truth_regress and is
held against others; the table in docs/methodology.md shows what it achieves there. `commbench selftest` replays your
own store, since noise is yours.
"""

from dataclasses import dataclass

NIGHTLY, CONFIRM = "nightly", "confirm"  # purposes of runs: the night's own, and its suspects measured again

LATENCY, BANDWIDTH, TAIL = "latency_p50_us", "busbw_gb_s", "latency_worst5_mean_us"
METRICS = (LATENCY, BANDWIDTH, TAIL)


@dataclass(frozen=True, slots=True)
class Rule:
    """Everything that decides; the defaults are the rule. Scales are robust standard deviations, shares of time."""

    # The baseline: design/regressions.md, notes 1 and 2.
    window_nights: int = 28
    least_nights: int = 20  # below that a series is learning
    waiting_nights: int = 2  # the latest wait before they enter the baseline, so that an event cannot hide in it
    floor: float = 0.003  # no series is steadier than 0.3 % from night to night
    prior_nights: float = 10.0  # weight of the class's scale: sqrt((10 s0^2 + 28 mad^2) / 38)
    # Suspects: measured again the same night.
    suspect_scales: float = 3.5
    suspect_share: float = 0.02
    repeats: int = 2
    # The alarm: the median of all measurements of a night, two nights running.
    alarm_scales: float = 3.5
    alarm_share: float = 0.025
    # Where nobody measured again: design, "Recommended detector", k=5 without re-run.
    unconfirmed_scales: float = 5.0
    # ... or the first night, when all measurements agree.
    sudden_scales: float = 5.0
    sudden_share: float = 0.08
    # An incident ends after two nights within 2 scales; after 30 measured nights the new level is taken as the level.
    calm_scales: float = 2.0
    calm_nights: int = 2
    longest_nights: int = 30
    # Everything older than this is forgotten: what a verdict reads. 28 + 2 + 30 nights and as much again to settle.
    history_nights: int = 120
