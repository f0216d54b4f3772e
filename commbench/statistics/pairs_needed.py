"""How many pairs it takes to see a difference of a given size through a given spread."""

from math import ceil, log, log2
from statistics import NormalDist

from commbench.statistics.signed_rank import attained_risk

POWER = 0.8
FEWEST_PAIRS = 6  # the smallest number whose signed-rank test can fall below 5 %: 2 / 2^6 = 3.1 %; design 2.7
# Signed ranks need so many pairs for one of the t test when differences are normal: pi / 3. Lehmann, Nonparametrics.
_RANKS_FOR_NORMAL = 1.05
_SMOOTH = 50  # from so many pairs on the risk that is attained hardly differs from the one that was asked for
_NORMAL = NormalDist()


def pairs_needed(sigma: float, gap: float, alpha: float = 0.05, power: float = POWER) -> int:
    """Return how many pairs show with `power` that a truth `gap` away from a limit is beyond it, at the risk alpha.

    `sigma` is the standard deviation of the differences of pairs, in one unit with `gap`, such as log ratios.

    Source: n = 1.05 ((z_a + z_p) sigma / gap)^2, design 2.7, and half of z_a^2 more because the spread is estimated
    from the same pairs (Guenther, The American Statistician 35, 1981), at the risk that so few pairs really attain.
    Without both, the powers of 9 and of 6 pairs that were to have 0.8 were 0.70 and 0.67.

    Raises:
        ValueError: the gap is not positive.
    """
    if gap <= 0:
        raise ValueError("no number of pairs shows that a truth on the limit is beyond it")
    for pairs in range(fewest_pairs(alpha), _SMOOTH):
        if pairs >= _of_normal(sigma / gap, attained_risk(pairs, alpha), power):
            return pairs
    return max(_SMOOTH, _of_normal(sigma / gap, alpha, power))


def _of_normal(spread: float, alpha: float, power: float) -> int:
    surely, powerful = _NORMAL.inv_cdf(1 - alpha / 2), _NORMAL.inv_cdf(power)
    if not spread:
        return 0
    return ceil(_RANKS_FOR_NORMAL * (((surely + powerful) * spread) ** 2 + surely**2 / 2))


def fewest_pairs(alpha: float = 0.05) -> int:
    """Return from how many pairs on a signed-rank test can reach the risk alpha at all: 2 / 2^n, and never below 6."""
    return max(FEWEST_PAIRS, ceil(log2(2 / alpha)))


def log_margin(share: float) -> float:
    """Return a margin such as 0.03 as a distance between logarithms, the same in both directions."""
    return log(1 + share)
