"""What detectors make of laboratories: events found, how soon, nights of false alarms, and what it costs."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from commbench.analysis.nightly.replay import replay
from commbench.analysis.nightly.rule import Rule
from commbench.statistics.robust import mad_scale, nan_median
from tests.truth_regress.generator import SERIES, Event, Flags, Lab

LEARNING = 20  # nights before anybody may say anything
AFTER = 2  # nights that a real event may still be spoken of when it is over
DEDUPE = 10  # nights on which an alarm of the same series is the same alarm: design
NIGHTS_A_MONTH = 365.25 / 12
NEVER = 10_000

# What a detector says: on which night which series [N, S] begin to alarm.
Detector = Callable[[Lab], Flags]


@dataclass
class Tally:
    """Delays of the events by kind, in nights on which any touched series was measured; 1 = the first bad night."""

    delays: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    false_nights: int = 0
    nights: int = 0
    extra: list[float] = field(default_factory=list)
    misnamed: int = 0

    def share(self, kind: str, within: int) -> float:
        """Return the share of a kind's events that were found within so many nights."""
        return float(np.mean(np.array(self.delays[kind]) <= within))

    @property
    def false_a_month(self) -> float:
        """Return nights with a false alarm a month."""
        return self.false_nights / self.nights * NIGHTS_A_MONTH


def active(lab: Lab) -> Flags:
    """Return which series [N, S] are touched by an event, or were until just now."""
    found = np.zeros((lab.panel.values.shape[1], len(SERIES)), bool)
    for event in lab.events:
        found[event.first : event.last + 1 + AFTER, event.touched] = True
    return found


def delay(lab: Lab, event: Event, nights: list[int]) -> int:
    """Return the delay of the first of some alarm nights that falls into the event."""
    during = [night for night in nights if event.first <= night <= event.last]
    if not during:
        return NEVER
    measured = np.isfinite(lab.panel.values[0, event.first : min(during) + 1][:, event.touched]).any(axis=1)
    return int(measured.sum())


def tally_rule(labs: Iterator[Lab], rule: Rule) -> Tally:
    """Return what the rule makes of the labs, by its incidents.

    An incident is of an event when most of its members are touched by it, or it names the event's host; it is a false
    alarm when most of its members are touched by nothing, or it names a host that is well.
    """
    tally = Tally()
    for lab in labs:
        decided = replay(lab.panel, rule)
        touched = active(lab)
        good = {event.host: event for event in lab.events if event.host}
        false: set[int] = set()
        for track in decided.tracks:
            if track.host is not None:
                name = lab.panel.host_names[track.host]
                tally.misnamed += name not in good
                is_false = name not in good or not good[name].first <= track.opened <= good[name].last + AFTER
            else:
                is_false = 2 * int((touched[track.opened] & track.members).sum()) < int(track.members.sum())
            if is_false:
                false.add(track.opened)
        for event in lab.events:
            mine = [
                night
                for track in decided.tracks
                for night in track.red_nights  # one that was open already counts on nights on which it is red
                if 2 * int((track.members & event.touched).sum()) >= int(track.members.sum())
            ]
            tally.delays[event.kind].append(delay(lab, event, mine))
            if event.host:
                named = [track.touched for track in decided.tracks if _names(lab, track.host, event)]
                tally.delays["host named"].append(delay(lab, event, named))
        tally.false_nights += len(false)
        tally.nights += len(lab.dates) - LEARNING
        measured = np.isfinite(lab.panel.values[0, LEARNING:]).sum()
        tally.extra.append(float(decided.suspects[LEARNING:].sum() * rule.repeats / measured))
    return tally


def _names(lab: Lab, host: int | None, event: Event) -> bool:
    return host is not None and lab.panel.host_names[host] == event.host


def tally_series(labs: Iterator[Lab], detector: Detector) -> Tally:
    """Return what a detector of single series makes of the labs; an alarm counts once in ten nights of its series."""
    tally = Tally()
    for lab in labs:
        alarms = detector(lab)
        alarms[:LEARNING] = False
        touched = active(lab)
        false = _news(alarms & ~touched)
        tally.false_nights += int(false.any(axis=1).sum())
        tally.nights += len(lab.dates) - LEARNING
        for event in lab.events:
            nights = np.flatnonzero(alarms[:, event.touched].any(axis=1)).tolist()
            tally.delays[event.kind].append(delay(lab, event, nights))
    return tally


def _news(alarms: Flags) -> Flags:
    news = np.zeros_like(alarms)
    last = np.full(alarms.shape[1], -DEDUPE)
    for night in range(len(alarms)):
        news[night] = alarms[night] & (night - last >= DEDUPE)
        last[alarms[night]] = night
    return news


def fixed(lab: Lab) -> Flags:
    """A fixed threshold: 10 % slower than the last night, in the p50 or the tail."""
    values = lab.panel.values
    alarms = np.zeros(values.shape[1:], bool)
    alarms[1:] = (values[:, 1:] - values[:, :-1] > np.log(1.1)).any(axis=0)
    return alarms


def median_mad(lab: Lab) -> Flags:
    """Median and MAD of the last 28 nights: 5 sigma and 3 %, one night."""
    values, window = lab.panel.values, 28
    alarms = np.zeros(values.shape[1:], bool)
    for night in range(LEARNING, values.shape[1]):
        before = np.moveaxis(values[:, max(0, night - window) : night], 1, -1)
        middle = nan_median(before)
        above = values[:, night] - middle
        alarms[night] = ((above > 5 * np.maximum(mad_scale(before, middle), 0.003)) & (above > 0.03)).any(axis=0)
    return alarms


def pelt(lab: Lab) -> Flags:
    """PELT, l2, penalty 8 ln n, on the last 60 nights: a change to 2 % worse within the last 5, in p50 or tail."""
    from ruptures import KernelCPD

    values, window, recent = lab.panel.values, 60, 5
    alarms = np.zeros(values.shape[1:], bool)
    for series in range(values.shape[2]):
        for metric in range(values.shape[0]):
            there = np.flatnonzero(np.isfinite(values[metric, :, series]))
            own = values[metric, there, series]
            for last in range(LEARNING, len(own)):
                part = own[max(0, last + 1 - window) : last + 1]
                scale = max(float(np.median(np.abs(np.diff(part)))) * 1.4826 / np.sqrt(2), 0.003)
                ends = KernelCPD(kernel="linear", min_size=2).fit_predict(
                    (part / scale)[:, None], pen=8 * np.log(len(part))
                )
                if len(ends) > 1 and len(part) - ends[-2] <= recent:
                    begin = ends[-3] if len(ends) > 2 else 0
                    worse = part[ends[-2] :].mean() - part[begin : ends[-2]].mean()
                    alarms[there[last], series] |= worse > 0.02
    return alarms
