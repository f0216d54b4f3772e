"""Go through the nights one by one, as they came, and decide each knowing only those before it."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from commbench.analysis.nightly import track as tracking
from commbench.analysis.nightly.baseline import Baseline
from commbench.analysis.nightly.naming import Naming
from commbench.analysis.nightly.score import Against, Score, score
from commbench.analysis.nightly.verdict import Kind, State
from commbench.statistics.robust import nan_median

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from commbench.analysis.nightly.panel import Acceptance, Group, Panel
    from commbench.analysis.nightly.rule import Rule
    from commbench.analysis.nightly.track import Track

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Decided:
    """What the nights came to. Arrays are [M, N, S] unless said otherwise; effects are above the baseline in log time.

    `tracks` are all incidents in the order in which they opened; `last` is the last night's score. Of [N, S] are
    `suspects`, `is_bad` and `alarms`, which began a membership on that night; `nights_before` is [M, S].
    """

    tracks: "tuple[Track, ...]"
    effect: "Floats"
    scales: "Floats"
    middle: "Floats"
    suspects: "Flags"
    is_bad: "Flags"
    alarms: "Flags"
    improved: "Flags"
    nights_before: "NDArray[np.int64]"
    last: Score


def replay(panel: "Panel", rule: "Rule", accepted: "Sequence[Acceptance]" = ()) -> Decided:
    """Return what the rule says of every night of the panel, the last one included.

    Raises:
        ValueError: the panel has no night.
    """
    if not panel.values.shape[1]:
        raise ValueError("a panel without nights cannot be judged")
    going = _Replay(panel, rule)
    for night in range(panel.values.shape[1]):
        going.step(night, [each for each in accepted if each.night == night])
    return going.decided()


class _Replay:
    def __init__(self, panel: "Panel", rule: "Rule") -> None:
        metrics, nights, series = panel.values.shape
        self._panel, self._rule = panel, rule
        self._naming = Naming(panel, rule)
        self._base = Baseline(rule, metrics, series, panel.classes)
        self._group_base = Baseline(rule, metrics, len(panel.groups))
        self._columns = _columns(panel.groups, series)
        self._was_bad = np.zeros((metrics, series), bool)
        self._was_good = np.zeros((metrics, series), bool)
        self._group_was_bad = np.zeros((metrics, len(panel.groups)), bool)
        self._before = np.full((metrics, series), np.nan)  # the effect on the last night with data of each series
        self._night_before = np.full(series, -1)
        self._scales_before = np.full((metrics, series), np.nan)
        self.tracks: list[Track] = []
        self._effect = np.full(panel.values.shape, np.nan)
        self._scales = np.full(panel.values.shape, np.nan)
        self._middle = np.full(panel.values.shape, np.nan)
        self._suspects = np.zeros((nights, series), bool)
        self._is_bad = np.zeros((nights, series), bool)
        self._alarms = np.zeros((nights, series), bool)
        self._improved = np.zeros(panel.values.shape, bool)

    def step(self, night: int, accepted: "Sequence[Acceptance]") -> None:
        """Judge a night and take it into the baseline."""
        values, rule = self._panel.values[:, night], self._rule
        there: Flags = np.any(np.isfinite(values), axis=0)
        nights_before = self._base.nights
        able = nights_before >= rule.least_nights
        scored = self._score(night)
        for each in accepted:
            scored = self._accept(each, night, scored)
        self._effect[:, night], self._scales[:, night] = scored.effect, scored.scales
        self._suspects[night], self._is_bad[night] = scored.suspects, scored.is_bad.any(axis=0)
        self._middle[:, night] = scored.middle
        self._carry_on(night, scored, there)
        self._name(night, scored)
        held = self._held(night)
        mean = (scored.scales + self._scales_before) / 2
        alarms = scored.is_sudden | (scored.is_bad & self._was_bad & (mean > scored.mean_bar))
        of_groups = self._group_alarms(scored.effect, able & ~held)
        self._open(night, alarms & ~held, of_groups & ~held, scored)
        self._remember(night, scored, able, there)
        self._push(night, there)
        self._last = nights_before, scored

    def _held(self, night: int) -> "Flags":
        """Return the series [S] that are in an incident: its members, or whoever was measured on a bad host tonight."""
        held = np.zeros(self._panel.values.shape[2], bool)
        for each in self.tracks:
            if each.is_active:
                held |= each.members if each.host is None else self._naming.involved(each.host, night)
        return held

    def _name(self, night: int, scored: Score) -> None:
        """Give the bad nights a name, if one host explains them."""
        # By the first measurements: re-runs are made on other hosts, and where those are well the median is, too.
        wild = (scored.first_scales > scored.mean_bar)[~self._panel.is_tail].any(axis=0)
        is_open = any(each.is_active and each.host is None for each in self.tracks)
        if wild.sum() < self._rule.least_named and not is_open:
            return
        over = [each.ended for each in self.tracks if each.host is not None and each.ended is not None]
        host = self._naming.named(self._middle, self._suspects, night, max(over, default=-1) + 1)
        if host is None or any(each.is_active and each.host == host for each in self.tracks):
            return
        involved = self._naming.involved(host, night)
        first = _of_kind(scored.first_effect, self._panel, Kind.LEVEL)[involved]
        first = first[np.isfinite(first)]
        if not first.size or np.median(first) < self._rule.alarm_share:
            return
        effect, bad = first, wild if (wild & involved).any() else involved
        gone = self._naming.explained(host, self.tracks, night)
        track = self._naming.incident(host, self.tracks, night, bad & involved, float(np.median(effect)))
        for place in gone:
            self.tracks[place] = replace(self.tracks[place], state=State.MERGED, ended=night)
        if gone:
            self.tracks[gone[0]] = replace(track, last_seen=night)
        else:
            self.tracks.append(replace(track, last_seen=night))
            self._alarms[night] |= track.members

    def _accept(self, accepted: "Acceptance", night: int, scored: Score) -> Score:
        """Take the nights since the acceptance's first as the level, and end the incidents that are thereby over."""
        self._effect[:, night] = scored.effect
        self._rebase(accepted.series, accepted.since, night)
        for place, each in enumerate(self.tracks):
            if each.is_active and (each.members & accepted.series).any():
                left = each.members & ~accepted.series
                ended = None if left.any() else night
                state = each.state if left.any() else State.ACCEPTED
                self.tracks[place] = replace(
                    each, members=left if left.any() else each.members, ended=ended, state=state
                )
        return self._score(night)

    def _score(self, night: int) -> Score:
        """Return the night's score against the baseline as it is."""
        middle, scale = self._base.middle_and_scale()
        able = (self._base.nights >= self._rule.least_nights) & ~self._held(night)
        against = Against(middle, scale, able, self._was_bad)
        return score(
            self._panel.values[:, night], self._panel.repeats[:, night], against, self._panel.is_tail, self._rule
        )

    def _rebase(self, chosen: "Flags", since: int, night: int) -> None:
        level = nan_median(np.moveaxis(self._effect[:, since : night + 1], 1, -1))
        self._base.shift(level, chosen)
        self._base.forget_waiting(chosen)
        self._was_bad[:, chosen] = False

    def _carry_on(self, night: int, scored: Score, there: "Flags") -> None:
        """Let every active incident see the night; of a host, the measurements that were made on it."""
        for place, each in enumerate(self.tracks):
            if each.is_active:
                involved = each.members if each.host is None else self._naming.involved(each.host, night)
                effect = scored.effect if each.host is None else scored.first_effect
                own = _of_kind(effect, self._panel, each.kind)[involved & there]
                now = tracking.carry_on(each, night, own, self._rule)
                self.tracks[place] = now
                if now.state is State.REBASED:
                    self._rebase(now.members, max(now.since, night - self._rule.window_nights // 2), night)

    def _group_alarms(self, effect: "Floats", free: "Flags") -> "Flags":
        """Return the series [M, S] that a group's alarm takes in: those that are above half of the group's effect."""
        rule, columns = self._rule, self._columns
        usable = np.where(free, effect, np.nan)
        padded = np.concatenate([usable, np.full((len(usable), 1), np.nan)], axis=1)[:, columns]
        sizes = np.array([group.members.sum() for group in self._panel.groups])
        there = np.isfinite(padded).sum(axis=-1)
        enough = (there >= rule.least_group) & (there >= rule.least_group_share * sizes)
        level = np.where(enough, nan_median(padded), np.nan)
        middle, scale = self._group_base.middle_and_scale()
        above = level - middle
        ready = self._group_base.nights >= rule.least_nights
        is_bad = ready & (above > rule.group_scales * scale) & (above > rule.group_share)
        alarm = is_bad & self._group_was_bad
        measured = enough.any(axis=0)
        self._group_was_bad[:, measured] = is_bad[:, measured]
        self._group_base.push(level, measured & ~is_bad.any(axis=0))
        taken = np.zeros_like(free)
        both = (usable + np.where(np.isfinite(self._before), self._before, usable)) / 2
        for metric, place in zip(*np.nonzero(alarm), strict=True):
            members = self._panel.groups[place].members
            affected = members & (both[metric] > rule.affected_share * above[metric, place])
            if affected.sum() >= rule.scope_share * there[metric, place]:
                taken[metric] |= affected
        return taken

    def _open(self, night: int, alone: "Flags", of_groups: "Flags", scored: Score) -> None:
        """Open incidents for the alarms [M, S] of series and of groups, or let them join those that explain them."""
        alarms = alone | of_groups
        levels = alarms[~self._panel.is_tail].any(axis=0)
        tails = alarms[self._panel.is_tail].any(axis=0) & ~levels
        for kind, chosen in ((Kind.LEVEL, levels), (Kind.TAIL, tails)):
            if not chosen.any():
                continue
            effect = _of_kind(scored.effect, self._panel, kind)
            both = np.fmax(effect, (effect + _of_kind(self._before, self._panel, kind)) / 2)
            size = float(np.median(both[chosen]))
            affected = both > self._rule.affected_share * size
            # What a group's alarm took in along with what is bad, but is not: the group was too wide.
            worse = chosen & (affected | alone.any(axis=0))
            judged = np.isfinite(effect)
            for cause in tracking.explain(worse, affected, judged, self._panel.groups, self._rule):
                self._admit(night, kind, cause, scored)
            self._alarms[night] |= worse
        self._base.forget_waiting(self._alarms[night])

    def _admit(self, night: int, kind: Kind, cause: "tuple[Group | None, Flags]", scored: Score) -> None:
        group, members = cause
        size = float(np.nanmedian(_of_kind(scored.effect, self._panel, kind)[members]))
        for place, each in enumerate(self.tracks):
            if each.kind is kind and tracking.belongs(each, group, members, night, self._rule):
                inside = each.scope is not None and bool((each.scope.members | ~members).all())
                grown = tracking.widen(each, each.scope if inside or group is None else group, members)
                self.tracks[place] = grown if each.is_active else tracking.reopen(grown, night, size)
                return
        sudden = bool(scored.is_sudden[:, members].any() and not self._was_bad[:, members].any())
        before = self._night_before[members]
        since = night if sudden or not (before >= 0).any() else int(before.max())
        start = tracking.Track(len(self.tracks), kind, group, members, night, since, size)
        self.tracks.append(
            replace(start, seen=1, bad=1, touched=night, red_nights=(night,), origin=int(members.argmax()))
        )

    def _remember(self, night: int, scored: Score, able: "Flags", there: "Flags") -> None:
        self._was_bad[:, there] = scored.is_bad[:, there]
        rule = self._rule
        good = able & (scored.scales < -scored.mean_bar) & (scored.effect < -rule.alarm_share)
        self._improved[:, night] = good & self._was_good
        self._was_good[:, there] = good[:, there]
        self._before[:, there] = scored.effect[:, there]
        self._scales_before[:, there] = scored.scales[:, there]
        self._night_before[there] = night

    def _push(self, night: int, there: "Flags") -> None:
        self._base.push(self._panel.values[:, night], there & ~self._held(night))

    def decided(self) -> Decided:
        """Return everything that was found."""
        nights_before, last = self._last
        return Decided(
            tuple(self.tracks),
            self._effect,
            self._scales,
            self._middle,
            self._suspects,
            self._is_bad,
            self._alarms,
            self._improved,
            nights_before,
            last,
        )


def _columns(groups: "Sequence[Group]", series: int) -> "NDArray[np.int64]":
    """Return the members of each group [G, most members], filled up with an index that is one past the last."""
    members = [np.flatnonzero(group.members) for group in groups]
    filled = np.full((len(members), max(map(len, members), default=0)), series)
    for row, columns in zip(filled, members, strict=True):
        row[: len(columns)] = columns
    return filled


def _of_kind(values: "Floats", panel: "Panel", kind: Kind) -> "Floats":
    """Return the worst of the kind's metrics [S] of values [M, S]; NaN where none is known."""
    own = values[panel.is_tail if kind is Kind.TAIL else ~panel.is_tail]
    if not len(own):
        return np.full(values.shape[1], np.nan)
    worst = np.where(np.isfinite(own), own, -np.inf).max(axis=0)
    return np.where(np.isfinite(worst), worst, np.nan)
