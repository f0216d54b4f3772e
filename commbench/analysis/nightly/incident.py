"""A track as an incident that people can read: members, effect, hosts, environment, and what to type next."""

from dataclasses import dataclass
from hashlib import blake2b
from shlex import quote
from typing import TYPE_CHECKING

import numpy as np

from commbench.analysis.nightly.environment import changes
from commbench.analysis.nightly.hosts import suspicions
from commbench.analysis.nightly.naming import Naming
from commbench.analysis.nightly.rule import LATENCY, TAIL, Rule
from commbench.analysis.nightly.verdict import (
    HostSuspicion,
    Incident,
    Interval,
    Kind,
    Member,
    Night,
    Scope,
    ScopeKind,
)
from commbench.statistics.robust import mad_scale, nan_median

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from commbench.analysis.nightly.frames import Nights
    from commbench.analysis.nightly.replay import Decided
    from commbench.analysis.nightly.track import Track

_ID_BYTES = 6  # 12 hex digits
_NORMAL_95 = 1.96
_LEAST_FOR_INTERVAL = 10  # nights before, to know the spread from


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that incidents are told from; `nights` [N] names the panel's nights, `run_nights` dates the runs."""

    of: "Nights"
    decided: "Decided"
    nights: tuple[Night, ...]
    rule: Rule
    cluster: str
    runs: "pd.DataFrame"
    muted: frozenset[str]


def incident(track: "Track", told: Told) -> Incident:
    """Return the incident that a track is on the last night."""
    last = len(told.nights) - 1
    members = _members(track, told)
    good = _last_good(track, told)
    effect = _effect(track, told)
    hosts = _hosts(track, told)
    since, first_bad = told.nights[track.since], int(told.of.numbers[track.since])
    until = first_bad if good is None else int(told.of.numbers[good])
    environment = changes(told.runs[told.runs["night"] <= until], told.runs[told.runs["night"] == first_bad])
    return Incident(
        incident_id=incident_id(track, told),
        state=track.state,
        kind=track.kind,
        scope=_scope(track, told),
        members=members,
        opened=told.nights[track.opened],
        since=since,
        last_good=None if good is None else told.nights[good],
        nights_bad=track.bad,
        effect=effect,
        score=max((member.score for member in members), default=0.0),
        hosts=hosts,
        environment=() if good is None else environment,
        run_ids=_run_ids(told, [last]),
        baseline_run_ids=_run_ids(told, list(range(max(0, track.since - told.rule.window_nights), track.since))),
        next_command=_next_command(members, hosts),
        is_muted=all(member.is_muted for member in members),
    )


def incident_id(track: "Track", told: Told) -> str:
    """Return a name that is the same on every night: of what opened it, and when."""
    words = (told.cluster, str(track.kind), told.nights[track.opened].label, told.of.series[track.origin].series_id)
    return blake2b("\n".join(words).encode(), digest_size=_ID_BYTES).hexdigest()


def _of_kind(track: "Track", told: Told) -> "NDArray[np.int64]":
    """Return the places of the track's metrics."""
    is_tail = told.of.panel.is_tail
    return np.flatnonzero(is_tail if track.kind is Kind.TAIL else ~is_tail)


def _members(track: "Track", told: Told) -> tuple[Member, ...]:
    found = [_member(int(place), track, told) for place in np.flatnonzero(track.members)]
    return tuple(sorted(found, key=lambda member: (-member.score, member.series.series_id)))


def _member(place: int, track: "Track", told: Told) -> Member:
    panel, decided, metrics = told.of.panel, told.decided, _of_kind(track, told)
    since = slice(track.since, None)
    scales = decided.scales[metrics, since, place]
    # The night on which it was worst says in which metric; tonight's value, or the last one, says by how much.
    metric = int(metrics[np.argmax(np.nanmax(np.where(np.isfinite(scales), scales, -np.inf), axis=1))])
    timed = panel.metrics.index(TAIL if track.kind is Kind.TAIL else LATENCY)
    middle = float(decided.middle[timed, -1, place])
    first = panel.values[timed, -1, place]
    again = panel.repeats[timed, -1, place] if decided.suspects[-1, place] or not panel.is_offer else first[:0]
    measured = np.exp([value for value in (first, *again) if np.isfinite(value)])
    before = told.of.p99_us[max(0, track.since - told.rule.window_nights) : track.since, place]
    bad = nan_median(decided.effect[metric, since, place])
    series = told.of.series[place]
    return Member(
        series=series,
        metric=panel.metrics[metric],
        effect=float(np.exp(bad)) if np.isfinite(bad) else 1.0,
        score=float(nan_median(decided.scales[metric, since, place])),
        before_us=float(np.exp(middle)),
        after_us=float(np.median(measured)) if len(measured) else None,
        measured_us=tuple(float(value) for value in measured),
        p99_before_us=_known(float(nan_median(before)) if len(before) else np.nan),
        p99_after_us=_known(float(told.of.p99_us[-1, place])),
        confirmed=bool(decided.last.confirmed[place]),
        is_muted=series.series_id in told.muted,
    )


def _known(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _scope(track: "Track", told: Told) -> Scope:
    judged = np.isfinite(told.decided.effect[_of_kind(track, told)]).any(axis=(0, 1))
    affected = int(track.members.sum())
    if track.scope is None:
        place = int(np.flatnonzero(track.members)[0])
        return Scope(ScopeKind.SERIES, (("series_id", told.of.series[place].series_id),), affected, affected)
    inside = int((track.scope.members & judged).sum())
    return Scope(track.scope.kind, track.scope.where, affected, max(inside, affected))


def _last_good(track: "Track", told: Told) -> int | None:
    """Return the last night before the first bad one on which a member was measured."""
    there = np.isfinite(told.of.panel.values[:, : track.since][:, :, track.members]).any(axis=(0, 2))
    nights = np.flatnonzero(there)
    return int(nights[-1]) if len(nights) else None


def _effect(track: "Track", told: Told) -> Interval:
    """Return the median member's effect, over the nights since the first bad one.

    The interval is what the same median does from night to night before, 1.4826 MAD, over the root of the nights after
    and before: members share a night's luck, so nights count, not members.
    """
    values = told.decided.effect[_of_kind(track, told)][:, :, track.members]
    worst = np.where(np.isfinite(values), values, -np.inf).max(axis=0)
    each = nan_median(np.where(np.isfinite(worst), worst, np.nan))
    after = each[track.since :]
    if track.host is not None:
        naming = Naming(told.of.panel, told.rule)
        with_host = [
            (naming.involved(track.host, night) & track.members).any() for night in range(track.since, len(each))
        ]
        after = after[np.array(with_host)]
    after = after[np.isfinite(after)]
    before = each[max(0, track.since - told.rule.window_nights) : track.since]
    before = before[np.isfinite(before)]
    if not len(after):
        return Interval(float(np.exp(track.effect)))
    middle = float(np.median(after))
    if len(before) < _LEAST_FOR_INTERVAL:
        return Interval(float(np.exp(middle)))
    spread = max(float(mad_scale(before, nan_median(before))), told.rule.floor)
    half = _NORMAL_95 * spread * np.sqrt(1 / len(after) + 1 / len(before))
    low, estimate, high = np.exp([middle - half, middle, middle + half])
    return Interval(float(estimate), float(low), float(high))


def _hosts(track: "Track", told: Told) -> tuple[HostSuspicion, ...]:
    panel, night = told.of.panel, len(told.nights) - 1
    above = Naming(panel, told.rule).above(told.decided.middle, told.decided.suspects, night)
    hosts = panel.hosts[night + 1 - len(above) : night + 1]
    everyone = np.ones(len(panel.series_ids), bool) if track.host is not None else track.members
    names = panel.host_names
    return tuple(
        HostSuspicion(
            host=names[each.host],
            log_ratio=each.log_ratio,
            effect=float(np.exp(each.effect)),
            present=each.present,
            absent=each.absent,
            is_named=each.host == track.host if track.host is not None else each.is_named,
            ties=tuple(names[other] for other in each.ties),
        )
        for each in suspicions(panel, above, hosts, everyone, told.rule)
    )


def _run_ids(told: Told, nights: list[int]) -> tuple[str, ...]:
    numbers = told.of.numbers[nights]
    return tuple(dict.fromkeys(told.runs[told.runs["night"].isin(numbers)]["run_id"]))


def _next_command(members: tuple[Member, ...], hosts: tuple[HostSuspicion, ...]) -> str:
    named = next((each.host for each in hosts if each.is_named), None)
    if named is not None:
        return f"ssh {quote(named)} commbench doctor"
    return f"commbench history {quote(members[0].series.series_id)}"
