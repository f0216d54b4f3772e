"""What a night's verdict says: plain facts for every view, command and row of `incidents`.

Effects are ratios of time after over time before: 1.1 is a tenth slower, also for a bandwidth, whose loss they are the
inverse of. A score is a distance from the baseline in its own robust standard deviations, positive where worse. Nights
are named by `label`, the date on which they ended in UTC (see `calendar`).
"""

from dataclasses import dataclass
from enum import StrEnum

from commbench.analysis.nightly.incident_facts import (
    EnvironmentChange,
    HostSuspicion,
    Incident,
    Interval,
    Kind,
    Member,
    Night,
    Scope,
    ScopeKind,
    Series,
    State,
)
from commbench.analysis.nightly.rule import Rule

__all__ = [
    "EnvironmentChange",
    "FailedRun",
    "Fault",
    "HostSuspicion",
    "Improvement",
    "Incident",
    "Interval",
    "Kind",
    "Learning",
    "Member",
    "Missing",
    "MissingPoint",
    "Night",
    "NightVerdict",
    "Outcome",
    "Scope",
    "ScopeKind",
    "Series",
    "State",
    "Suspect",
]


class Outcome(StrEnum):
    """What a night comes to, as `incidents.verdict` spells it."""

    REGRESSION = "regression"  # red: an incident was opened or is as bad as ever, or a result was wrong
    OK = "ok"
    LEARNING = "learning"  # no series has enough nights behind it to be judged
    MISSING = "missing"  # the night has no run, or no point that can be judged


@dataclass(frozen=True, slots=True)
class Suspect:
    """A series that looks worse tonight and is to be measured again before anything is said.

    `metric` is the column in which it is worst, `score` and `effect` those of its first measurement tonight. `repeats`
    counts the re-measurements that tonight has already, of the `wanted` ones.
    """

    series: Series
    metric: str
    score: float
    effect: float
    repeats: int
    wanted: int


@dataclass(frozen=True, slots=True)
class Fault:
    """A point whose result was wrong or whose bytes went another way: red by itself, and never in a baseline.

    `what` is wrong_result or contradicted, `why` the point's own words.
    """

    series: Series
    run_id: str
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Improvement:
    """A series that became faster on two nights running: a note, never red. `effect` is below 1."""

    series: Series
    metric: str
    effect: float
    score: float


@dataclass(frozen=True, slots=True)
class FailedRun:
    """A run of tonight that did not end well, with the state and reason that `runs` gives."""

    run_id: str
    exit_state: str
    reason: str


@dataclass(frozen=True, slots=True)
class MissingPoint:
    """A series that recent nights measured and tonight did not; `last_seen` is the label of the last that did.

    `why` is skipped, error, timeout ... with the point's own words, or that there is no row at all.
    """

    series: Series
    last_seen: str
    why: str


@dataclass(frozen=True, slots=True)
class Learning:
    """A series with too little history to be judged: it has `nights` of the `needed` ones."""

    series: Series
    nights: int
    needed: int


@dataclass(frozen=True, slots=True)
class Missing:
    """What was expected and is not there.

    `nights` are labels of calendar nights without any run, of the window that was read; `hosts_gone` and `hosts_new`
    how tonight's hosts differ from those of the last night that ran.
    """

    nights: tuple[str, ...]
    points: tuple[MissingPoint, ...]
    failed_runs: tuple[FailedRun, ...]
    hosts_gone: tuple[str, ...]
    hosts_new: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NightVerdict:
    """Everything that is to be said about one night.

    `suspects` are the series to be measured again; when all their re-measurements are there, or none can be made, the
    verdict is final. `judged` counts the series with enough history that were measured tonight, and `history_nights`
    the nights with data before it. `muted` lists series_ids whose alarms are silenced. Incidents that were closed or
    re-based tonight are listed once more, with that state.
    """

    night: Night
    cluster: str
    outcome: Outcome
    incidents: tuple[Incident, ...]
    suspects: tuple[Suspect, ...]
    faults: tuple[Fault, ...]
    improvements: tuple[Improvement, ...]
    missing: Missing
    learning: tuple[Learning, ...]
    muted: tuple[str, ...]
    judged: int
    history_nights: int
    run_ids: tuple[str, ...]
    rule: Rule

    @property
    def is_red(self) -> bool:
        """Return whether the night is a reason to wake somebody."""
        return self.outcome is Outcome.REGRESSION

    @property
    def to_confirm(self) -> tuple[Suspect, ...]:
        """Return the suspects that still lack re-measurements: run these points again, then judge once more."""
        return tuple(suspect for suspect in self.suspects if suspect.repeats < suspect.wanted)
