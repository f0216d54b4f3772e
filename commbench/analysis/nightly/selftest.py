"""Replay a store's own nights with planted losses: what would be found, how soon, and how often for nothing."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from commbench.analysis.nightly.calendar import Calendar
from commbench.analysis.nightly.frames import dated, nights_of
from commbench.analysis.nightly.panel import Panel
from commbench.analysis.nightly.replay import Decided, replay
from commbench.analysis.nightly.rule import LATENCY, NIGHTLY, Rule
from commbench.errors import UnfitError
from commbench.statistics.robust import nan_median

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

_NIGHTS_A_MONTH = 365.25 / 12
_WITHIN = 2  # nights with data: in time
_CONSTANTS = (2.5, 3.0, 3.5, 4.0, 5.0)  # of Rule.alarm_scales, to choose from
_MOST_FALSE = 0.5  # nights a month: design, "Targets"
_PLANTINGS = 16
_LASTS = 5  # nights that a planted loss is looked at


@dataclass(frozen=True, slots=True)
class Planted:
    """What became of one planted loss: where and from which night on; `delay` 1 = found that night, None = not."""

    scope: str
    series: int
    night: str
    delay: int | None


@dataclass(frozen=True, slots=True)
class SelfTest:
    """What a rule's constant is worth on these nights.

    `recall` is the share of the planted losses that were found within two nights with data, `false_nights_a_month` the
    nights on which an incident would have opened on the nights as they are, `extra_share` the share of points that
    would have been measured again, times the repeats.
    """

    alarm_scales: float
    recall: float
    median_delay_nights: float | None
    false_nights_a_month: float
    extra_share: float
    planted: tuple[Planted, ...]


@dataclass(frozen=True, slots=True)
class SelfTests:
    """The self-test of every constant; `advised` is the smallest that keeps false alarms rare, None if none does.

    `nights` were replayed after those that the rule learns from, and `share` was planted. Nights as they are count as
    good: a loss that really happened in them is counted as a false alarm.
    """

    share: float
    nights: int
    series: int
    tests: tuple[SelfTest, ...]
    advised: float | None


def selftest(
    points: "pd.DataFrame",
    share: float,
    *,
    nights: int = 60,
    seed: int = 0,
    rule: Rule | None = None,
    calendar: Calendar | None = None,
) -> SelfTests:
    """Return what losses of `share` of the bandwidth come to, planted into the last `nights` nights of `points`.

    A re-measurement that nobody made takes the noise of the same series on another night: what a fresh allocation
    would give. The same seed gives the same result.

    Raises:
        UnfitError: there are too few nights to learn from and to plant into.
    """
    rule = rule or Rule()
    panel = nights_of(dated(points[points["purpose"] == NIGHTLY], calendar or Calendar()), rule)
    have, need = len(panel.numbers), rule.least_nights + rule.waiting_nights + _LASTS
    if have < need:
        raise UnfitError(f"{have} nights are too few for a self-test: it takes {need}; measure some more nights first")
    rng = np.random.default_rng(seed)
    offered = _offered(panel.panel, rng)
    first = max(rule.least_nights + rule.waiting_nights, have - nights)
    plans = _plans(offered, first, rng)
    labels = tuple((calendar or Calendar()).label(int(number)) for number in panel.numbers)
    tests = tuple(_test(offered, plans, share, (first, labels), _with(rule, scales)) for scales in _CONSTANTS)
    rare = [each.alarm_scales for each in tests if each.false_nights_a_month <= _MOST_FALSE]
    return SelfTests(share, have - first, len(panel.series), tests, min(rare, default=None))


def _with(rule: Rule, alarm_scales: float) -> Rule:
    """Return the rule with another constant, and what goes with it in proportion."""
    factor = alarm_scales / rule.alarm_scales
    return replace(
        rule,
        alarm_scales=alarm_scales,
        tail_scales=rule.tail_scales * factor,
        suspect_bar=rule.suspect_bar / max(1.0, factor),
    )


def _offered(panel: Panel, rng: np.random.Generator) -> Panel:
    """Return the panel with re-measurements for everybody: the deviation of another night on top of tonight's level."""
    level = _running_median(panel.values)
    deviation = panel.values - level
    repeats = np.empty((*panel.values.shape, panel.repeats.shape[-1]))
    for place in range(repeats.shape[-1]):
        order = rng.permuted(np.broadcast_to(np.arange(panel.values.shape[1])[:, None], panel.values.shape[1:]), axis=0)
        repeats[..., place] = level + np.take_along_axis(deviation, order[None], axis=1)
    return replace(panel, repeats=repeats, is_offer=True)


def _running_median(values: "NDArray[np.float64]", half: int = 7) -> "NDArray[np.float64]":
    padded = np.pad(values, ((0, 0), (half, half), (0, 0)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * half + 1, axis=1)
    return nan_median(windows)


def _plans(panel: Panel, first: int, rng: np.random.Generator) -> "list[tuple[str, NDArray[np.bool_], int]]":
    """Return where to plant: single series and whole groups in turn, on random nights."""
    nights, series = panel.values.shape[1:]
    plans = []
    for number in range(_PLANTINGS):
        night = int(rng.integers(first, max(first + 1, nights - _LASTS + 1)))
        members = np.zeros(series, bool)
        if number % 2 and panel.groups:
            group = panel.groups[int(rng.integers(len(panel.groups)))]
            plans.append((str(group.kind), group.members, night))
        else:
            members[rng.integers(series)] = True
            plans.append(("series", members, night))
    return plans


def _test(
    panel: Panel,
    plans: "list[tuple[str, NDArray[np.bool_], int]]",
    share: float,
    nights: tuple[int, tuple[str, ...]],
    rule: Rule,
) -> SelfTest:
    first, labels = nights
    quiet = replay(panel, rule)
    false_nights = {track.opened for track in quiet.tracks if track.opened >= first}
    found = tuple(
        Planted(scope, int(members.sum()), labels[night], _delay(panel, members, night, share, rule))
        for scope, members, night in plans
    )
    delays = [each.delay for each in found if each.delay is not None]
    measured = np.isfinite(panel.values[0, first:]).sum()
    return SelfTest(
        alarm_scales=rule.alarm_scales,
        recall=sum(delay <= _WITHIN for delay in delays) / len(found),
        median_delay_nights=float(np.median(delays)) if delays else None,
        false_nights_a_month=len(false_nights) / (len(labels) - first) * _NIGHTS_A_MONTH,
        extra_share=float(quiet.suspects[first:].sum() * rule.repeats / max(1, measured)),
        planted=found,
    )


def _delay(panel: Panel, members: "NDArray[np.bool_]", night: int, share: float, rule: Rule) -> int | None:
    """Return after how many nights with data a loss planted from a night on is found: 1 = the first; None = never."""
    loss = -np.log1p(-share)
    begin, end = max(0, night - rule.window_nights - 2 * rule.waiting_nights), night + _LASTS
    values, repeats = panel.values[:, begin:end].copy(), panel.repeats[:, begin:end].copy()
    values[:, night - begin :, members] += loss
    repeats[:, night - begin :, members] += loss
    decided = replay(replace(panel, values=values, repeats=repeats, hosts=panel.hosts[begin:end]), rule)
    after = values[panel.metrics.index(LATENCY), night - begin :][:, members]
    measured: NDArray[np.bool_] = np.any(np.isfinite(after), axis=1)
    opened = [place for place in _alarm_nights(decided, members) if place >= night - begin]
    return int(measured[: min(opened) - (night - begin) + 1].sum()) if opened else None


def _alarm_nights(decided: Decided, members: "NDArray[np.bool_]") -> list[int]:
    """Return the nights on which a member of the planted loss alarmed."""
    return [int(night) for night in np.flatnonzero(np.any(decided.alarms[:, members], axis=1))]
