"""A seeded laboratory: a year of nights of 200 series with everything that makes nightly numbers hard to read.

All effects are logarithms of time. The noise follows /work/shared/design/regressions.md: t(4) noise by series and
night, allocations (with cross-rack nights), congestion of a fabric, drift, weekends, one-off bad runs, bad allocations,
benign shifts, one improvement, and nights, allocations and points that are missing.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from commbench.analysis.nightly.panel import NO_HOSTS, Group, Panel
from commbench.analysis.nightly.rule import LATENCY, TAIL
from commbench.analysis.nightly.scopes import groups_of

FABRICS, NODES = ("ib", "roce"), (2, 4, 8, 16, 32)
COLLECTIVES = ("all_gather", "all_reduce", "all_to_all", "reduce_scatter")
SIZES = (8, 8192, 1 << 20, 1 << 25, 1 << 30)
SERIES = tuple(product(FABRICS, NODES, COLLECTIVES, SIZES))
HOSTS = 48
NIGHTS, REPEATS = 365, 2
EVENT_NIGHTS, FIRST_EVENT, BETWEEN_EVENTS = 25, 45, 52

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Event:
    """A planted loss: its kind, the series it touches, and its nights [first, last] among those with data."""

    kind: str
    touched: Flags
    first: int
    last: int
    host: str = ""


@dataclass(frozen=True, slots=True)
class Lab:
    """A year of nights and what was planted in it. `dates` numbers the calendar nights that have data."""

    panel: Panel
    events: tuple[Event, ...]
    dates: NDArray[np.int64]


def column(place: int) -> NDArray[np.object_]:
    """Return one variable of all series: 0 fabric, 1 nodes, 2 collective, 3 size."""
    return np.array([series[place] for series in SERIES], dtype=object)


def lab_year(
    seed: int, kinds: tuple[str, ...] = ("bw-5", "bw-10", "bw-10 single", "bw-20", "tail+30", "bad host")
) -> Lab:
    """Return the year that belongs to a seed, with one event of each kind in random order."""
    rng = np.random.default_rng(seed)
    level, tail, hosts, sets = _noise(rng)
    events = _plant(rng, kinds, (level, tail, hosts, sets))
    _lose(rng, level, tail, hosts)
    return _lab(level, tail, hosts, sets, events)


def _t4(rng: np.random.Generator, *shape: int) -> Floats:
    return rng.standard_t(4, size=shape)


def _noise(rng: np.random.Generator) -> tuple[Floats, Floats, NDArray[np.int64], Flags]:
    """Return level and tail [N, S, 1 + R], the allocation behind each, and the hosts of each allocation [K, H]."""
    n, s, m = NIGHTS, len(SERIES), 1 + REPEATS
    own_scale = np.exp(rng.uniform(np.log(0.006), np.log(0.033), s)) / 1.1
    common = _drift(rng, n, s) + _weekends(n, s) + _shifts(rng, n, s) + _congestion(rng, n)
    level = common[:, :, None] + own_scale[None, :, None] * _t4(rng, n, s, m)
    # One-off bad runs: 0.4 % of the measurements.
    level += (rng.random((n, s, m)) < 0.004) * rng.uniform(0.05, 0.40, (n, s, m))
    size = {count: place for place, count in enumerate(NODES)}
    row = np.array([size[count] for count in column(1)])
    allocation = 0.006 / 1.1 * _t4(rng, n, len(NODES), m)
    allocation += (rng.random(allocation.shape) < 0.15) * rng.uniform(0.01, 0.03, allocation.shape)  # across racks
    allocation += (rng.random(allocation.shape) < 0.003) * rng.uniform(0.05, 0.30, allocation.shape)  # bad ones
    level += allocation[:, row, :]
    tail = level + rng.uniform(0.05, 0.085, s)[None, :, None] * _t4(rng, n, s, m) / 1.1
    names = np.arange(n * len(NODES) * m).reshape(n, len(NODES), m)
    sets = np.zeros((names.size, HOSTS), bool)
    for place, count in enumerate(NODES):
        order = rng.random((n * m, HOSTS)).argsort(axis=1)[:, :count]
        rows = names[:, place, :].reshape(-1)
        sets[rows[:, None], order] = True
    return level, tail, names[:, row, :].copy(), sets


def _drift(rng: np.random.Generator, n: int, s: int) -> Floats:
    phi, sd = 0.98, 0.01
    steps = rng.standard_normal((n, s)) * sd * np.sqrt(1 - phi**2)
    drift = np.empty((n, s))
    drift[0] = rng.standard_normal(s) * sd
    for night in range(1, n):
        drift[night] = phi * drift[night - 1] + steps[night]
    return drift


def _weekends(n: int, s: int) -> Floats:
    return np.where(np.arange(n)[:, None] % 7 >= 5, -0.005, 0.0) * np.ones((1, s))


def _shifts(rng: np.random.Generator, n: int, s: int) -> Floats:
    """Return benign steps of 1.5 %, one a year in half of the series, and one improvement of 8 %."""
    nights = np.arange(n)[:, None]
    steps = np.where(rng.random(s) < 0.5, rng.choice([-0.015, 0.015], s), 0.0)
    shifts = np.where(nights >= rng.integers(30, n, s)[None, :], steps[None, :], 0.0)
    better: Flags = (column(0) == rng.choice(FABRICS)) & (column(2) == rng.choice(COLLECTIVES))
    first = int(rng.integers(60, n - 40))
    found: Floats = shifts - 0.08 * (better[None, :] & (nights >= first))
    return found


def _congestion(rng: np.random.Generator, n: int) -> Floats:
    """Return nights on which a whole fabric is busy: 1 %, by 2 to 6 %, for the repeats of that night too."""
    busy = (rng.random((n, len(FABRICS))) < 0.01) * rng.uniform(0.02, 0.06, (n, len(FABRICS)))
    of = np.array([FABRICS.index(fabric) for fabric in column(0)])
    found: Floats = busy[:, of]
    return found


def _scope(rng: np.random.Generator, kind: str) -> Flags:
    """Return the series that an event touches: one, a collective on a fabric, or a fabric."""
    single = np.zeros(len(SERIES), bool)
    single[rng.integers(len(SERIES))] = True
    fabric: Flags = column(0) == rng.choice(FABRICS)
    narrow: Flags = fabric & (column(2) == rng.choice(COLLECTIVES))
    choices = {"bw-5": [fabric], "bw-10 single": [single], "bw-20": [single, narrow, fabric]}.get(
        kind, [narrow, fabric]
    )
    return choices[int(rng.integers(len(choices)))]


def _plant(
    rng: np.random.Generator,
    kinds: tuple[str, ...],
    noise: tuple[Floats, Floats, NDArray[np.int64], Flags],
) -> list[Event]:
    level, tail, hosts, sets = noise
    loss = {"bw-5": 0.05, "bw-10": 0.10, "bw-10 single": 0.10, "bw-20": 0.20}
    events = []
    for place, kind in enumerate(rng.permutation(kinds)):
        first = FIRST_EVENT + BETWEEN_EVENTS * place + int(rng.integers(10))
        nights = slice(first, first + EVENT_NIGHTS)
        touched, host = _scope(rng, kind), ""
        if kind in loss:
            slower = -np.log(1 - loss[kind])
            level[nights, touched] += slower
            tail[nights, touched] += slower
        elif kind == "tail+30":
            tail[nights, touched] += np.log(1.3)
        else:
            bad = int(rng.integers(HOSTS))
            touched, host = np.ones(len(SERIES), bool), f"node{bad:02d}"
            slower = np.where(sets[hosts[nights], bad], np.log(1.15), 0.0)
            level[nights] += slower
            tail[nights] += slower
        events.append(Event(str(kind), touched, first, first + EVENT_NIGHTS - 1, host))
    return events


def _lose(rng: np.random.Generator, level: Floats, tail: Floats, hosts: NDArray[np.int64]) -> None:
    """Take away 3 % of the nights, 2 % of the allocations and 0.5 % of the points."""
    n, s = level.shape[:2]
    lost: Flags = np.asarray(rng.random((n, s)) < 0.005)
    of = np.array([NODES.index(count) for count in column(1)])
    allocations: Flags = np.asarray(rng.random((n, len(NODES))) < 0.02)
    nights: Flags = np.asarray(rng.random(n) < 0.03)
    lost |= allocations[:, of] | nights[:, None]
    level[lost], tail[lost], hosts[lost] = np.nan, np.nan, NO_HOSTS


def _lab(level: Floats, tail: Floats, hosts: NDArray[np.int64], sets: Flags, events: list[Event]) -> Lab:
    dates = np.flatnonzero(np.isfinite(level[:, :, 0]).any(axis=1))
    every = np.stack([level, tail])[:, dates]
    where = [
        {"fabric": fabric, "nodes": str(nodes), "collective": collective, "size_bytes": str(size)}
        for fabric, nodes, collective, size in SERIES
    ]
    classes = np.unique([f"{row['fabric']} {row['size_bytes']}" for row in where], return_inverse=True)[1]
    groups: tuple[Group, ...] = groups_of(where)
    panel = Panel(
        metrics=(LATENCY, TAIL),
        is_tail=np.array([False, True]),
        values=np.ascontiguousarray(every[:, :, :, 0]),
        repeats=np.ascontiguousarray(every[:, :, :, 1:]),
        classes=classes,
        groups=groups,
        hosts=hosts[dates],
        host_sets=sets,
        host_names=tuple(f"node{host:02d}" for host in range(HOSTS)),
        series_ids=tuple(f"{place:016x}" for place in range(len(SERIES))),
        is_offer=True,
    )
    among = [
        Event(
            each.kind,
            each.touched,
            int(np.searchsorted(dates, each.first)),
            int(np.searchsorted(dates, each.last, side="right")) - 1,
            each.host,
        )
        for each in events
    ]
    return Lab(panel, tuple(among), dates)
