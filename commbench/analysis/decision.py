"""Is the comparison of a run's fabrics decided: rows in, a comparison for each further fabric and a wish out."""

from collections.abc import Sequence

import pandas as pd

from commbench.analysis.compare import Selected, compare
from commbench.analysis.comparison import Comparison, Margin, Verdict

# What is decided. A busbw is the size over the p50; tails take far more blocks than medians and are compared by
# `commbench compare`, which also corrects for them.
METRICS = ("p50", "busbw")
_NO_RUNS = pd.DataFrame({"run_id": [], "environment_json": []})


def compare_fabrics(points: pd.DataFrame, fabrics: Sequence[str], margin_share: float) -> tuple[Comparison, ...]:
    """Return the comparison of the first fabric with each of the others; `points` are the rows of one run.

    Raises:
        UsageError: two of them have nothing in common.
        GateError: a fabric did not carry the bytes that its label claims.
    """
    first, *others = (Selected(name, f"fabric={name}", points[points["fabric"] == name], _NO_RUNS) for name in fabrics)
    margin = Margin(margin_share)
    return tuple(compare(first, other, ("fabric",), margin, METRICS) for other in others)


def more_blocks(comparisons: Sequence[Comparison]) -> int:
    """Return how many more blocks would probably decide everything that blocks can decide; 0 when all is decided."""
    open_ones = [each for each in comparisons if Verdict.UNDECIDED in each.verdicts]
    return max((max(1, each.more_pairs) for each in open_ones), default=0)
