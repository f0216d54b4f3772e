"""How much n calls can say of a quantile, whatever the times' distribution: order statistics and the binomial."""

_RAREST = 0.05  # what 95 % confidence leaves, the default of every function here


def quantile_ranks(n: int, quantile: float, confidence: float = 1 - _RAREST) -> tuple[int, int] | None:
    """Return the ranks (from 1) of the sorted calls between which the true quantile lies, as much left as right.

    None when n calls are too few for that: of the p99 there is an interval from 368 calls on. The calls are taken
    as independent; calls of few visits are not, so there use woodruff.cluster_interval.

    Source: the number of calls below the quantile is binomial (David & Nagaraja, Order Statistics, 7.1).
    """
    import numpy as np
    from scipy.special import bdtr

    if n < 1:
        return None
    each_side = (1 - confidence) / 2
    at_most = bdtr(np.arange(n), n, quantile)  # of 0 .. n-1 calls below the quantile
    # Rank l fails when at most l-1 calls lie below the quantile, rank u when at least u do.
    low = int(np.searchsorted(at_most, each_side, side="right"))
    high = int(np.searchsorted(-(1 - at_most), -each_side)) + 1
    return (low, high) if 1 <= low <= high <= n else None


def upper_bound_exists(n: int, quantile: float, confidence: float = 1 - _RAREST) -> bool:
    """Return whether the worst of n calls bounds the quantile from above: for the p99 from 299 calls on.

    Source: all n calls lie below the quantile with probability quantile ** n.
    """
    return bool(n > 0 and quantile**n <= 1 - confidence)


def exceed_probability(n: int, confidence: float = 1 - _RAREST) -> float:
    """Return how likely, at most, the next call is slower than the worst of n: about 3/n.

    Source: quantile ** n = 1 - confidence, solved for 1 - quantile; the "rule of three".
    """
    return 1.0 - float((1 - confidence) ** (1 / n)) if n > 0 else 1.0
