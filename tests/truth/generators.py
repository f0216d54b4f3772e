"""Series of call times whose true p50 is known exactly: the seven of design 3.1."""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

Shape = tuple[int, int, int]  # repeats, visits, calls of a visit
Floats = NDArray[np.float64]

SCALE_NS = 100_000  # what a time of 1 stands for

_TO_SLOW, _TO_FAST = 1 / 450, 1 / 150  # mean dwells of the slow regimes, in calls: a quarter of the time is slow
_SLOW_SHARE = 0.25
_CORRELATION = 0.9


@dataclass(frozen=True, slots=True)
class Generator:
    """A law of call times; visits are far apart in time, calls of a visit follow each other."""

    name: str
    draw: Callable[[np.random.Generator, Shape], Floats]
    true_p50: float

    def visits_ns(self, seed: int, shape: Shape) -> NDArray[np.int64]:
        """Return times in whole ns of the shape (repeats, visits, calls)."""
        times: NDArray[np.int64] = (self.draw(np.random.default_rng(seed), shape) * SCALE_NS).astype(np.int64)
        return times

    @property
    def true_p50_ns(self) -> float:
        """Return the true median in ns."""
        return self.true_p50 * SCALE_NS


def _lognormal(sigma: float) -> Callable[[np.random.Generator, Shape], Floats]:
    return lambda rng, shape: np.exp(sigma * rng.standard_normal(shape))


def _bimodal(rng: np.random.Generator, shape: Shape) -> Floats:
    return np.where(rng.random(shape) < 0.6, 1.0, 1.3) * np.exp(0.03 * rng.standard_normal(shape))


def _heavy_tail(rng: np.random.Generator, shape: Shape) -> Floats:
    slow = np.where(rng.random(shape) < 0.01, 20 * (1 + rng.pareto(1.5, shape)), 1.0)
    return slow * np.exp(0.1 * rng.standard_normal(shape))


def _autoregressive(rng: np.random.Generator, shape: Shape) -> Floats:
    normal = rng.standard_normal(shape)
    for i in range(1, shape[-1]):
        normal[..., i] = _CORRELATION * normal[..., i - 1] + sqrt(1 - _CORRELATION**2) * normal[..., i]
    times: Floats = np.exp(0.15 * normal)
    return times


def _slow_regimes(rng: np.random.Generator, shape: Shape) -> Floats:
    slow = np.empty(shape, dtype=bool)
    slow[..., 0] = rng.random(shape[:-1]) < _SLOW_SHARE
    for i in range(1, shape[-1]):
        chance = rng.random(shape[:-1])
        slow[..., i] = np.where(slow[..., i - 1], chance >= _TO_FAST, chance < _TO_SLOW)
    return np.where(slow, 1.25, 1.0) * np.exp(0.08 * rng.standard_normal(shape))


def _visit_shifts(rng: np.random.Generator, shape: Shape) -> Floats:
    return np.exp(0.04 * rng.standard_normal((*shape[:-1], 1))) * np.exp(0.08 * rng.standard_normal(shape))


def _mixture_p50(share: float, factor: float, sigma: float) -> float:
    """Return the median of a lognormal around 1 that is around `factor` for that share of the calls."""
    return float(
        brentq(
            lambda time: (1 - share) * ndtr(log(time) / sigma) + share * ndtr(log(time / factor) / sigma) - 0.5, 0.5, 2
        )
    )


GENERATORS = (
    Generator("lognormal 0.1", _lognormal(0.1), 1.0),
    Generator("lognormal 0.3", _lognormal(0.3), 1.0),
    Generator("bimodal", _bimodal, _mixture_p50(0.4, 1.3, 0.03)),
    Generator("1 % heavy tail", _heavy_tail, exp(0.1 * float(ndtri(0.5 / 0.99)))),
    Generator("AR(1) 0.9", _autoregressive, 1.0),
    Generator("slow regimes", _slow_regimes, _mixture_p50(_SLOW_SHARE, 1.25, 0.08)),
    Generator("visit shifts", _visit_shifts, 1.0),
)
