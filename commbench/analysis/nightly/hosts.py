"""Which host explains that some measurements were bad: a likelihood ratio over the host lists."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from commbench.analysis.nightly.panel import NO_HOSTS
from commbench.statistics.membership import explained_by, explained_since

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from commbench.analysis.nightly.panel import Panel
    from commbench.analysis.nightly.rule import Rule

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

_LEAST_PRESENT = 3  # allocations: one that was bad for another reason makes all of its hosts look bad
_LISTED = 5
# Variance of a series' own noise over that of an allocation: (1.5 % / 0.6 %)^2, design, "Simulated lab". An allocation
# that one series was measured on says less than one that forty were.
_NOISE_RATIO = 6.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """How well a host explains: see `verdict.HostSuspicion`. `host` indexes the panel's names, `effect` is log time."""

    host: int
    log_ratio: float
    effect: float
    present: int
    absent: int
    is_named: bool
    ties: tuple[int, ...]


def suspicions(
    panel: "Panel", above: "Floats", hosts: "NDArray[np.int64]", series: "Flags", rule: "Rule"
) -> tuple[Evidence, ...]:
    """Return the hosts that explain best what the series [S] did in some nights, the likeliest first.

    `above` [N, S, 1 + R] is every measurement above its baseline in log time, and `hosts` [N, S, 1 + R] the row of the
    panel's `host_sets` that it was made on. Allocations, not measurements, are
    counted: all series of one allocation share its luck, so their median is one observation. The night on which the
    host went bad is not known: of all nights of the window the one that explains best is taken.
    """
    values, weights, sets, nights = _allocations(above, hosts, series)
    if not len(values):
        return ()
    there = panel.host_sets[sets]
    onsets = np.flatnonzero(np.r_[True, nights[1:] != nights[:-1]])
    found = explained_since(values, weights, there, onsets)
    fit = np.where((found.shift > rule.alarm_share) & (found.present >= _LEAST_PRESENT), found.log_ratio, 0.0)
    ratio, since = fit.max(axis=0), onsets[fit.argmax(axis=0)]
    order = np.argsort(-ratio, kind="stable")[:_LISTED].tolist()
    return tuple(
        _evidence(host, (values, weights, there), int(since[host]), ratio, is_first=place == 0, rule=rule)
        for place, host in enumerate(order)
        if ratio[host] > 0
    )


def _evidence(
    host: int,
    observed: "tuple[Floats, Floats, Flags]",
    since: int,
    ratio: "Floats",
    *,
    is_first: bool,
    rule: "Rule",
) -> Evidence:
    values, weights, there = observed
    found = explained_by(values, weights, there, since)
    same = (there[since:] == there[since:, [host]]).all(axis=0)
    same[host] = False
    others = np.delete(ratio, [host, *np.flatnonzero(same)])
    lead = ratio[host] - others.max(initial=0.0)
    is_usual = _usually(values[since:], there[since:, host]) > max(rule.alarm_share, float(found.shift[host]) / 2)
    named = (
        is_first and is_usual and not same.any() and ratio[host] >= rule.host_log_ratio and lead >= rule.host_log_lead
    )
    ties = tuple(np.flatnonzero(same).tolist())
    counts = int(found.present[host]), int(found.absent[host])
    return Evidence(host, float(ratio[host]), float(found.shift[host]), *counts, bool(named), ties)


def _usually(values: "Floats", there: "Flags") -> float:
    """Return the median with the host above the one without: a single bad allocation does not move it."""
    if there.all() or not there.any():
        return 0.0
    return float(np.median(values[there]) - np.median(values[~there]))


def _allocations(
    above: "Floats", hosts: "NDArray[np.int64]", series: "Flags"
) -> "tuple[Floats, Floats, NDArray[np.int64], NDArray[np.int64]]":
    """Return the median of each night's measurements on the same hosts [U], its weight, which hosts, which night."""
    known = np.isfinite(above) & (hosts != NO_HOSTS) & series[None, :, None]
    nights = np.nonzero(known)[0]
    values, sets = above[known], hosts[known]
    if not len(values):
        return values, values, sets, nights
    key = nights * (int(sets.max()) + 1) + sets
    order = np.lexsort((values, key))
    key, values, sets = key[order], values[order], sets[order]
    begins = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
    sizes = np.diff(np.r_[begins, len(key)])
    middle = (values[begins + (sizes - 1) // 2] + values[begins + sizes // 2]) / 2
    return middle, sizes / (sizes + _NOISE_RATIO), sets[begins], nights[order][begins]
