"""What an incident is: where, since when, by how much, and whom it points at; see `verdict` for the words used."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


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
