"""The noise of the simulated fabric: laws of a call's time whose median is known exactly."""

from collections.abc import Callable
from math import exp, pi, sin
from statistics import NormalDist

import numpy as np

from commbench.model.plan import Plan, Truth

_SLOW_MODE, _SLOW_MODE_SHARE = 1.3, 0.4  # bimodal: two paths, one longer, as with adaptive routing
_TAIL, _TAIL_SHARE = 20.0, 0.01  # tail: one call in a hundred waits for a retransmission
_DRIFT, _DRIFT_CALLS = 0.05, 317  # drift: up and down by 5 %, with a period that no visit length divides
_OF_LAUNCHES = 1  # tells the launches' draws from those of calls, which are seeded by the point's number
_VISIT_SIGMA = 0.03  # visits: what all calls of a visit share


class NoiseLaw:
    """Factors on the time of one call after another; `next_visit` begins what a visit's calls share."""

    def __init__(self, truth: Truth, generator: np.random.Generator) -> None:
        self._sigma, self._generator = truth.noise_sigma, generator
        self._law = _LAWS[truth.noise]
        self.calls = 0
        self.visit_factor = 1.0

    def next_visit(self) -> None:
        """Draw what all calls of the next visit share."""
        self.visit_factor = self._generator.lognormal(0.0, _VISIT_SIGMA)

    def factor(self) -> float:
        """Return the factor of the next call."""
        self.calls += 1
        return self._law(self, self._generator.random()) * float(self._generator.lognormal(0.0, self._sigma))


_LAWS: dict[str, Callable[[NoiseLaw, float], float]] = {
    "lognormal": lambda _law, _chance: 1.0,
    "bimodal": lambda _law, chance: _SLOW_MODE if chance < _SLOW_MODE_SHARE else 1.0,
    "tail": lambda _law, chance: _TAIL if chance < _TAIL_SHARE else 1.0,
    "drift": lambda law, _chance: exp(_DRIFT * sin(2 * pi * law.calls / _DRIFT_CALLS)),
    "visits": lambda law, _chance: law.visit_factor,
}
NOISE_LAWS = tuple(_LAWS)


def launch_factor(plan: Plan, launch_index: int) -> float:
    """Return what all points of a launch share: where its threads and connections came to lie, drawn anew each time."""
    generator = np.random.default_rng([plan.seed, launch_index, _OF_LAUNCHES])
    return float(generator.lognormal(0.0, plan.truth.launch_sigma))


def true_median_factor(truth: Truth) -> float:
    """Return the median of the law's factors: 1 where the law is symmetric in the logarithm."""
    if truth.noise == "tail":
        return exp(truth.noise_sigma * NormalDist().inv_cdf(0.5 / (1 - _TAIL_SHARE)))
    if truth.noise == "bimodal":
        return _bimodal_median(truth.noise_sigma)
    return 1.0


def _bimodal_median(sigma: float) -> float:
    """Return the median of the two modes' mixture, by bisection."""
    normal = NormalDist()
    low, high = 0.5, 2 * _SLOW_MODE
    for _ in range(60):
        middle = (low + high) / 2
        fast = normal.cdf(np.log(middle) / sigma) if sigma else float(middle >= 1.0)
        slow = normal.cdf(np.log(middle / _SLOW_MODE) / sigma) if sigma else float(middle >= _SLOW_MODE)
        share = (1 - _SLOW_MODE_SHARE) * fast + _SLOW_MODE_SHARE * slow
        low, high = (middle, high) if share < 0.5 else (low, middle)  # noqa: PLR2004 - the median
    return (low + high) / 2
