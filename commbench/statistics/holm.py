"""Many claims at once: risks corrected so that a table with any false claim is as rare as was asked for."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def holm(risks: "Sequence[float]") -> list[float]:
    """Return each claim's risk for the table as a whole; claims up to alpha there hold together at the risk alpha.

    It asks nothing of how the claims depend on each other.

    Source: Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6 (1979).
    """
    order = sorted(range(len(risks)), key=risks.__getitem__)
    corrected = [0.0] * len(risks)
    so_far = 0.0
    for place, claim in enumerate(order):
        so_far = max(so_far, min(1.0, (len(risks) - place) * risks[claim]))
        corrected[claim] = so_far
    return corrected
