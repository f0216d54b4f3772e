"""Is the comparison of a run's fabrics decided: rows in, a comparison for each further fabric and a wish out."""

from collections.abc import Sequence

import pandas as pd

from commbench.analysis.compare import RUN_COLUMNS, Selected, compare
from commbench.analysis.comparison import Comparison, Margin, Verdict

# What is decided. A busbw is the size over the p50; tails take far more blocks than medians. They are in the table all
# the same and corrected for, so that what is decided here still is when somebody compares the run later.
DECIDED = ("p50", "busbw")
_NO_RUNS = pd.DataFrame({column: [] for column in RUN_COLUMNS})


def compare_fabrics(
    points: pd.DataFrame, fabrics: Sequence[str], margin_share: float, runs: pd.DataFrame = _NO_RUNS
) -> tuple[Comparison, ...]:
    """Return the comparison of the first fabric with each of the others; `points` are the rows of one run.

    `runs` are that run's own rows: without them no verdict changes, but what else differs goes unsaid.

    Raises:
        UsageError: two of them have nothing in common.
        GateError: a fabric did not carry the bytes that its label claims.
    """
    first, *others = (Selected(name, f"fabric={name}", points[points["fabric"] == name], runs) for name in fabrics)
    margin = Margin(margin_share)
    return tuple(compare(first, other, ("fabric",), margin) for other in others)


def more_blocks(comparisons: Sequence[Comparison]) -> int:
    """Return how many more blocks would probably decide all medians; 0 when they are."""
    found = (finding for each in comparisons for _, finding in each.findings() if finding.metric in DECIDED)
    open_ones = [finding for finding in found if finding.verdict is Verdict.UNDECIDED]
    return max((max(1, finding.more_pairs or 0) for finding in open_ones), default=0)
