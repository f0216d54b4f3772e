"""What a night's verdict says: plain facts for every view, command and row of `incidents`.

Effects are ratios of time after over time before: 1.1 is a tenth slower, also for a bandwidth, whose loss they are the
inverse of. A score is a distance from the baseline in its own robust standard deviations, positive where worse. Nights
are named by `label`, the date on which they ended in UTC (see `calendar`).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from commbench.analysis.nightly.rule import Rule


class Outcome(StrEnum):
    """What a night comes to, as `incidents.verdict` spells it."""

    REGRESSION = "regression"  # red: an incident was opened or is as bad as ever, or a result was wrong
    OK = "ok"
    LEARNING = "learning"  # no series has enough nights behind it to be judged
    MISSING = "missing"  # the night has no run, or no point that can be judged


class State(StrEnum):
    """Where an incident stands on the judged night; the words of `incidents.event`, and two more."""

    OPENED = "opened"  # tonight: this is news
    SEEN = "seen"  # opened before and still bad
    RECOVERING = "recovering"  # opened before, and tonight was fine: one more such night closes it
    CLOSED = "closed"  # tonight: it was fine for as many nights as the rule asks
    ACCEPTED = "accepted"  # somebody said that the new level is the level
    MERGED = "merged"  # tonight: one host was found to explain this and others; the first of them goes on
    REBASED = "rebased"  # tonight: nobody decided for so long that the new level is taken as the level


class Kind(StrEnum):
    """What became worse: the usual call, or the slowest ones."""

    LEVEL = "level"  # latency_p50_us or busbw_gb_s
    TAIL = "tail"  # latency_worst5_mean_us


class ScopeKind(StrEnum):
    """The least that explains all members, as `incidents.scope` spells it."""

    SERIES = "series"
    COLLECTIVE = "collective"  # one collective, of one fabric where there are several
    NODES = "nodes"  # one node count, of one fabric where there are several
    HOST = "host"
    FABRIC = "fabric"
    CLUSTER = "cluster"  # everything


@dataclass(frozen=True, slots=True)
class Night:
    """One night of the calendar: its label, and when its first run began; None where nothing ran."""

    label: str
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class Series:
    """What is compared with itself from night to night: the independent variables behind a `series_id`."""

    series_id: str
    cluster: str
    collective: str
    size_bytes: int
    dtype: str
    world_size: int
    nodes: int
    in_place: bool
    backend: str
    fabric: str
    cadence: str
    launch: str
    placement: str = ""

    @property
    def label(self) -> str:
        """Return the series in words, such as `all_reduce 1048576 B, 4 nodes, 32 ranks, ib`."""
        where = f"{self.nodes} node{'s' if self.nodes != 1 else ''}, {self.world_size} ranks"
        return ", ".join(word for word in (f"{self.collective} {self.size_bytes} B", where, self.fabric) if word)


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
class Member:
    """One series of an incident. Times are of the level or the tail, whichever the incident is about.

    `before_us` is the baseline's median, `after_us` tonight's median of all measurements; None where there was none
    tonight. `measured_us` holds tonight's measurements in order, the repeated ones after the first. The p99 are the
    baseline's median and tonight's; None = unknown. `confirmed` says that enough re-measurements were made.
    """

    series: Series
    metric: str
    effect: float
    score: float
    before_us: float
    after_us: float | None
    measured_us: tuple[float, ...]
    p99_before_us: float | None
    p99_after_us: float | None
    confirmed: bool
    is_muted: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """The least that explains the members: `where` holds the (column, value) pairs that they all share.

    `affected` of the `judged` series inside the scope are members.
    """

    kind: ScopeKind
    where: tuple[tuple[str, str], ...]
    affected: int
    judged: int

    @property
    def label(self) -> str:
        """Return the scope in words, such as `fabric ib` or `all_reduce on ib`."""
        values = dict(self.where)
        on = f" on {values['fabric']}" if values.get("fabric") else ""
        match self.kind:
            case ScopeKind.CLUSTER:
                return "everything"
            case ScopeKind.FABRIC:
                return f"fabric {values['fabric']}"
            case ScopeKind.COLLECTIVE:
                return f"{values['collective']}{on}"
            case ScopeKind.NODES:
                return f"{values['nodes']} nodes{on}"
            case ScopeKind.HOST:
                return f"host {values['host']}"
            case _:
                return f"series {values.get('series_id', '')}"


@dataclass(frozen=True, slots=True)
class Interval:
    """An effect with its 95 % interval, over nights and members; `low` and `high` are None where nights are too few."""

    estimate: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class HostSuspicion:
    """How well one host's presence explains which measurements were bad.

    `log_ratio` is the log likelihood ratio against "no host does", `effect` the time with it over the time without,
    `present` and `absent` the measurements with and without it. `is_named` says that it is far ahead of all others:
    the rest of the list are only candidates. `ties` are hosts that were there exactly when it was.
    """

    host: str
    log_ratio: float
    effect: float
    present: int
    absent: int
    is_named: bool
    ties: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EnvironmentChange:
    """A fact that differs between the last good and the first bad night: evidence, not guilt.

    `fact` is a name such as nccl_version, variables.NCCL_ALGO or hosts; `hosts` those it changed on, empty for facts of
    the run as a whole. `before` and `after` are text; empty = it was not there.
    """

    fact: str
    before: str
    after: str
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Incident:
    """One cause, told once. `incident_id` stays the same on every later night.

    `opened` is the night that raised it, `since` the first bad night, `last_good` the one before it that was measured.
    `score` is the worst member's. `hosts` lists suspects, the likeliest first; `next_command` is what to type now, and
    `is_muted` says that all members are muted: then it is no reason for red. `run_ids` are the runs of tonight that it
    rests on, the repeated ones too, `baseline_run_ids` those it was compared with.
    """

    incident_id: str
    state: State
    kind: Kind
    scope: Scope
    members: tuple[Member, ...]
    opened: Night
    since: Night
    last_good: Night | None
    nights_bad: int
    effect: Interval
    score: float
    hosts: tuple[HostSuspicion, ...]
    environment: tuple[EnvironmentChange, ...]
    run_ids: tuple[str, ...]
    baseline_run_ids: tuple[str, ...]
    next_command: str
    is_muted: bool = False

    @property
    def is_red(self) -> bool:
        """Return whether the incident alone makes tonight red."""
        return not self.is_muted and self.state in {State.OPENED, State.SEEN}

    @property
    def suspect(self) -> HostSuspicion | None:
        """Return the one host that is named, or None."""
        return next((host for host in self.hosts if host.is_named), None)


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
