"""A night's verdict in words: the sentences that every view has in common."""

from commbench.analysis.nightly.verdict import (
    EnvironmentChange,
    HostSuspicion,
    Incident,
    Interval,
    Kind,
    Member,
    NightVerdict,
    Outcome,
    State,
)
from commbench.report.words import count_of, one_line, time_us

_COLOURS = {
    Outcome.REGRESSION: "RED",
    Outcome.OK: "green",
    Outcome.LEARNING: "learning",
    Outcome.MISSING: "NOT JUDGED",
}
_WHAT = {Kind.LEVEL: "the usual call", Kind.TAIL: "the slowest 5 % of calls"}
_CHANGE_LENGTH = 60  # of a fact's text: a list of hosts can be long


def headline(verdict: NightVerdict) -> str:
    """Return the night in one line: `night 2026-01-25 of lab: RED: 1 incident, 1 of 200 series worse`."""
    where = f" of {one_line(verdict.cluster)}" if verdict.cluster else ""
    return f"night {verdict.night.label}{where}: {_COLOURS[verdict.outcome]}: {_summary(verdict)}"


def _summary(verdict: NightVerdict) -> str:
    judged = f"{verdict.judged} series judged"
    match verdict.outcome:
        case Outcome.LEARNING:
            nights, needed = learned(verdict)
            return f"night {nights} of {needed}; nothing can be said before that"
        case Outcome.MISSING:
            return "no run of this night has a point that can be judged"
        case Outcome.REGRESSION:
            red = [each for each in verdict.incidents if each.is_red]
            worse = len({member.series.series_id for each in red for member in each.members})
            parts = [f"{count_of(len(red), 'incident')} with {worse} series"] if red else []
            parts += [count_of(len(verdict.faults), "fault")] if verdict.faults else []
            return f"{', '.join(parts)}; {judged}"
        case _:
            return judged


def learned(verdict: NightVerdict) -> tuple[int, int]:
    """Return how many nights the series with most history has, tonight included, and how many it needs."""
    most = max((each.nights for each in verdict.learning), default=verdict.history_nights)
    needed = max((each.needed for each in verdict.learning), default=verdict.rule.least_nights)
    return min(most + 1, needed), needed


def change_words(effect: float) -> str:
    """Return a ratio of times as people say it: `10.2 % slower`, `3 % faster`."""
    share = effect - 1
    return f"{abs(share) * 100:.3g} % {'slower' if share >= 0 else 'faster'}"


def effect_words(effect: Interval) -> str:
    """Return an effect with its interval, where there is one."""
    if effect.low is None or effect.high is None:
        return change_words(effect.estimate)
    return f"{change_words(effect.estimate)} (95 %: {(effect.low - 1) * 100:+.3g} .. {(effect.high - 1) * 100:+.3g} %)"


def incident_words(incident: Incident) -> str:
    """Return what the incident is, in one line."""
    scope = one_line(scope_name(incident))
    of = f"{incident.scope.affected} of {incident.scope.judged} series" if incident.scope.judged > 1 else "its series"
    muted = ", muted" if incident.is_muted else ""
    what = _WHAT[incident.kind]
    return f"{scope}: {what} {effect_words(incident.effect)} in {of} ({incident.state}{muted})"


def scope_name(incident: Incident) -> str:
    """Return the scope in words; a single series by what it is rather than by its id."""
    if incident.scope.where and incident.scope.where[0][0] == "series_id" and incident.members:
        return incident.members[0].series.label
    return incident.scope.label


def is_over(incident: Incident) -> bool:
    """Return whether the incident ended tonight: its members' numbers are no longer news."""
    return incident.state not in {State.OPENED, State.SEEN, State.RECOVERING}


def doubt_words(incident: Incident) -> list[str]:
    """Return that nobody measured again what opened tonight, where that is so."""
    doubtful = sum(not member.confirmed for member in incident.members)
    if incident.state is not State.OPENED or not doubtful:
        return []
    return [f"{doubtful} of {len(incident.members)} series were not measured again enough to be sure"]


def since_words(incident: Incident) -> str:
    """Return when it began and how long it has lasted."""
    good = f", last good {incident.last_good.label}" if incident.last_good else ", no good night before"
    opened = "" if incident.state is State.OPENED else f", opened {incident.opened.label}"
    return f"since {incident.since.label}{good}{opened}, {count_of(incident.nights_bad, 'bad night')}"


def member_words(member: Member) -> str:
    """Return one series of an incident: before, after, and every measurement of tonight."""
    after = "not measured tonight" if member.after_us is None else f"{time_us(member.after_us)} us"
    tonight = " ".join(time_us(value) for value in member.measured_us)
    measured = f", tonight {tonight}" if len(member.measured_us) > 1 else ""
    muted = ", muted" if member.is_muted else ""
    return (
        f"{one_line(member.series.label)}: {member.metric} {time_us(member.before_us)} -> {after}"
        f" ({change_words(member.effect)}, score {member.score:.1f}{measured}{muted})"
    )


def host_words(host: HostSuspicion) -> str:
    """Return what speaks against a host."""
    role = "suspect host" if host.is_named else "candidate host"
    ties = f"; always together with {', '.join(map(one_line, host.ties))}" if host.ties else ""
    return (
        f"{role} {one_line(host.host)}: {change_words(host.effect)} with it"
        f" ({host.present} measurements with, {host.absent} without, log likelihood ratio {host.log_ratio:.1f}){ties}"
    )


def environment_words(change: EnvironmentChange) -> str:
    """Return what changed between the last good and the first bad night."""
    before, after = (_short(one_line(text)) or "nothing" for text in (change.before, change.after))
    hosts = f" on {_short(', '.join(map(one_line, change.hosts)))}" if change.hosts else ""
    return f"changed: {one_line(change.fact)} {before} -> {after}{hosts}"


def _short(text: str) -> str:
    return text if len(text) <= _CHANGE_LENGTH else f"{text[: _CHANGE_LENGTH - 3]}..."


def missing_words(verdict: NightVerdict) -> list[str]:
    """Return everything that was expected and is not there, one line each; points, which may be many, come last."""
    missing = verdict.missing
    lines = [f"{one_line(run.run_id)} {run.exit_state}: {one_line(run.reason)}" for run in missing.failed_runs]
    if missing.nights:
        lines.append(f"nights without a run: {', '.join(missing.nights)}")
    for names, words in ((missing.hosts_gone, "gone"), (missing.hosts_new, "new")):
        if names:
            lines.append(f"hosts {words} since the last night: {', '.join(map(one_line, names))}")
    lines += [
        f"{one_line(point.series.label)}: {one_line(point.why)}, last seen {point.last_seen}"
        for point in missing.points
    ]
    return lines


def fault_words(verdict: NightVerdict) -> list[str]:
    """Return points whose result was wrong or whose bytes went another way, one line each."""
    return [
        f"{one_line(fault.series.label)}: {fault.what.replace('_', ' ')}: {one_line(fault.why)} ({fault.run_id})"
        for fault in verdict.faults
    ]


def improvement_words(verdict: NightVerdict) -> list[str]:
    """Return what became faster, one line each."""
    return [
        f"{one_line(each.series.label)}: {each.metric} {change_words(each.effect)}" for each in verdict.improvements
    ]


def learning_words(verdict: NightVerdict) -> str:
    """Return how many series cannot be judged yet; empty when all can."""
    if not verdict.learning:
        return ""
    nights, needed = learned(verdict)
    return f"{len(verdict.learning)} series learning, night {nights} of {needed}"
