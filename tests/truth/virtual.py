"""Ranks without machines: stamps of a synchronising collective, with whatever we plant."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

US = 1_000
MS = 1_000_000

LATENCY_NS = 400 * US  # of a quiet call, from the last arrival to the first exit
_LATENCY_SPREAD = 0.01
_ARRIVAL_NS = 3 * US  # how far apart ranks leave a barrier
_EXIT_NS = 2 * US  # how far apart they leave the collective
_PERIOD_NS = 100 * MS


@dataclass(frozen=True, slots=True)
class Stamps:
    """When every rank entered and left every call, shape (ranks, calls)."""

    enter_ns: Ints
    exit_ns: Ints

    @property
    def duration_ns(self) -> Ints:
        """Return what other tools call the latency: every rank's own duration."""
        return self.exit_ns - self.enter_ns


def play(
    rng: np.random.Generator,
    ranks: int,
    calls: int,
    *,
    late_ns: Ints | int = 0,
    stall_ns: Ints | int = 0,
    clock_bound_ns: int = 0,
) -> Stamps:
    """Let ranks make calls that nobody can leave before all have come.

    `late_ns` of shape (ranks, calls) is how late each rank comes, `stall_ns` of shape (calls,) how long the
    transport stands still once all are there. Every rank's clock is wrong by at most `clock_bound_ns`.
    """
    starts = np.arange(calls) * _PERIOD_NS
    enter = starts + rng.exponential(_ARRIVAL_NS, (ranks, calls)).astype(np.int64) + late_ns
    latency = (LATENCY_NS * np.exp(_LATENCY_SPREAD * rng.standard_normal(calls))).astype(np.int64)
    done = enter.max(axis=0) + latency + stall_ns
    leave = done + rng.integers(0, _EXIT_NS, (ranks, calls))
    error = rng.integers(-clock_bound_ns, clock_bound_ns + 1, (ranks, 1))
    return Stamps(enter + error, leave + error)


def plant(rng: np.random.Generator, calls: int, share: float, delay_ns: Ints) -> Ints:
    """Return the delay of every call: those given, in random places, for that share of the calls; 0 elsewhere."""
    planted = np.zeros(calls, dtype=np.int64)
    where = rng.choice(calls, round(share * calls), replace=False)
    planted[where] = delay_ns[: len(where)]
    return planted


def on_rank(delay_ns: Ints, rank: "Ints | int", ranks: int) -> Ints:
    """Return delays of shape (ranks, calls): those of each call on its rank."""
    late: Ints = np.where(np.arange(ranks)[:, None] == rank, delay_ns, 0)
    return late
