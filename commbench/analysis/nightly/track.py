"""Incidents while nights go by: which series belong together, when one begins, and when it is over."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from commbench.analysis.nightly.verdict import Kind, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from commbench.analysis.nightly.panel import Group
    from commbench.analysis.nightly.rule import Rule

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Track:
    """An incident so far. `members` [S] are held out of the baseline while it is active; nights count those with data.

    `scope` is the group that explains it, None for a single series. `effect` is the median member's in log time at
    its worst, `calm` the nights in a row that were fine, `ended` the night that closed it.
    """

    number: int
    kind: Kind
    scope: "Group | None"
    members: "Flags"
    opened: int
    since: int
    effect: float
    seen: int = 0
    bad: int = 0
    calm: int = 0
    ended: int | None = None
    state: State = State.OPENED
    red_nights: tuple[int, ...] = ()
    touched: int = 0  # the night on which it opened or was opened again
    origin: int = 0  # the first of its members when it opened: names the incident
    host: int | None = None  # of the panel's names, when one host explains it
    last_seen: int = 0  # the last night on which any of it was measured

    @property
    def is_active(self) -> bool:
        """Return whether its members are held out of the baseline."""
        return self.ended is None


def explain(
    alarms: "Flags", affected: "Flags", judged: "Flags", groups: "Sequence[Group]", rule: "Rule"
) -> "list[tuple[Group | None, Flags]]":
    """Return the causes of the alarms [S], each with its members: groups that are affected as a whole, then singles.

    A group explains its alarms when it has two or more and `scope_share` of its judged series are affected or alarm.
    The group that explains most comes first, of equals the smallest.
    """
    causes: list[tuple[Group | None, Flags]] = []
    left = alarms.copy()
    while left.any():
        best = _best(left, affected | alarms, judged, groups, rule)
        if best is None:
            break
        causes.append((best, best.members & left))
        left &= ~best.members
    for one in np.flatnonzero(left):
        single = np.zeros_like(left)
        single[one] = True
        causes.append((None, single))
    return causes


def _best(left: "Flags", affected: "Flags", judged: "Flags", groups: "Sequence[Group]", rule: "Rule") -> "Group | None":
    best, best_key = None, (1, 0)
    for group in groups:
        inside = group.members & judged
        size, explained = int(inside.sum()), int((inside & left).sum())
        if explained > 1 and (inside & affected).sum() >= rule.scope_share * size:
            key = (explained, -size)
            if key > best_key:
                best, best_key = group, key
    return best


def carry_on(track: Track, night: int, effect: "Floats", rule: "Rule") -> Track:
    """Return the track after a later night, whose effects above the baseline in log time are given; NaN = none."""
    own = effect[np.isfinite(effect)]
    if not own.size:
        if track.host is not None and night - track.last_seen > rule.host_nights:  # the host is not used any more
            return replace(track, state=State.CLOSED, ended=night)
        return replace(track, state=State.RECOVERING)
    middle = float(np.median(own))
    is_calm = middle < max(rule.affected_share * track.effect, rule.suspect_share)
    track = replace(
        track,
        seen=track.seen + 1,
        calm=track.calm + 1 if is_calm else 0,
        bad=track.bad + (not is_calm),
        red_nights=track.red_nights if is_calm else (*track.red_nights, night),
        last_seen=night,
    )
    if track.calm >= rule.calm_nights:
        return replace(track, state=State.CLOSED, ended=night)
    if track.seen >= rule.longest_nights:
        return replace(track, state=State.REBASED, ended=night)
    return replace(track, state=State.RECOVERING if is_calm else State.SEEN)


def widen(track: Track, scope: "Group | None", members: "Flags") -> Track:
    """Return the track with more members, under the scope that explains them all."""
    return replace(track, members=track.members | members, scope=scope)


def reopen(track: Track, night: int, effect: float) -> Track:
    """Return the track that came back after it was over, as bad as it is now."""
    back = replace(track, ended=None, calm=0, seen=0, state=State.SEEN, touched=night)
    return replace(back, bad=track.bad + 1, effect=effect, red_nights=(*track.red_nights, night))


def belongs(track: Track, group: "Group | None", members: "Flags", night: int, rule: "Rule") -> bool:
    """Return whether new alarms are the same cause as a track: inside its scope, or soon after and inside theirs."""
    if track.host is not None:
        return False  # who was measured on it is known, and asked elsewhere
    # What comes back is the same when it is as wide as it was; a part of it is another cause.
    is_back = track.state is State.CLOSED and night - (track.ended or 0) <= rule.reopen_nights
    is_back &= (track.members & members).sum() >= rule.affected_share * track.members.sum()
    if track.is_active or is_back:
        if track.scope is None:
            inside = bool((track.members | ~members).all())
        else:
            inside = bool((track.scope.members | ~members).all())
        if inside:
            return True
        soon = night - track.touched <= rule.merge_nights
        return soon and group is not None and bool((group.members | ~track.members).all())
    return False
