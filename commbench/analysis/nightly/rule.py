"""The constants of the nightly rule, in one place, each with its source.

Where a source says `truth-regress`, the constant was chosen on seeds 0-29, 100-115 and 3000-3049 of the generator in
tests/truth_regress and is held against others; the table in docs/methodology.md shows what it achieves there.
`commbench selftest` replays your own store, since noise is yours.
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
    # The alarm: the median of all measurements of a night, two nights running. In scales, their mean must reach
    # `alarm_scales` times (drift_share / scale + averaged_noise): 3 % and 1.5 scales. Drift of 1 % (design, "Simulated
    # lab") is what nights have in common and stays; a scale is mostly what single runs differ by, which the mean of two
    # medians of three halves (0.67 / sqrt(2) for a normal law). A plain multiple of the scale was late on the noisiest
    # series, for which 10 % are 3 scales, and alarmed on the drift of steady ones: with this, over 84 single losses on
    # seeds 3000-3013, 92 -> 95 % found in two nights and 0.50 -> 0.37 nights of false alarms a month.
    alarm_scales: float = 3.0
    drift_share: float = 0.01
    averaged_noise: float = 0.5
    tail_scales: float = 4.0  # as that bar, of the tail's metrics, whose noise is wilder
    each_bar: float = 0.75  # of the bar: what each of both nights must reach by itself
    alarm_share: float = 0.035
    # Suspects: measured again the same night.
    suspect_bar: float = 0.75  # of the bar: a single measurement's share of what two nights must reach
    again_scales: float = 1.0  # enough for a series whose last night was bad: its second night decides
    suspect_share: float = 0.02
    repeats: int = 2
    # Where nobody measured again: design, "Recommended detector", k=5 without re-run.
    unconfirmed_scales: float = 5.0
    # ... or the first night, when all measurements agree.
    sudden_scales: float = 5.0
    sudden_share: float = 0.08
    # Groups: the median over the members of what each is above its own baseline, held against its own history. Small
    # shifts of a whole fabric show there first (design: 5 % events 62 -> 88 % without re-runs). truth-regress.
    group_scales: float = 4.0
    group_share: float = 0.025
    least_group: int = 6
    least_group_share: float = 0.4  # of its series, measured tonight and not in an incident
    # Scopes: a group explains an incident when this share of its judged series is affected; a series is when it is
    # above half of the incident's effect.
    scope_share: float = 0.75
    affected_share: float = 0.5
    merge_nights: int = 5  # what alarms this soon after belongs to the same cause, if one scope explains both
    reopen_nights: int = 14  # and so does what returns this soon after it was over
    # An incident ends after two nights on which the median member is below half of its effect; after 30 measured nights
    # without a decision the new level is taken as the level (design: prototype).
    calm_nights: int = 2
    longest_nights: int = 30
    # Hosts: design, "Which host". 48 hosts and 14 first nights to choose from are e^6.5; a name needs e^12
    # and to be e^4 times likelier than the next host, on two nights within `merge_nights`. truth-regress.
    least_named: int = 2  # series that are bad tonight, before anybody asks for a host
    host_nights: int = 14
    host_log_ratio: float = 12.0
    host_log_lead: float = 4.0
    # Everything older than this is forgotten: what a verdict reads. 28 + 2 + 30 nights and as much again to settle.
    history_nights: int = 120
