"""C20 on real gloo ranks: the tool against itself has no winner, and a tenth more of every call is found as that.

Two copies of one point are visited in turn in one launch, which is cut into 20 comparisons of 20 pairs of visits each,
side by side. Where one copy is to be slower the collective is a sleep of a millisecond: real ranks wait for each
other's cores here, and a rank that spins makes the other's collective longer as well.
"""

from pathlib import Path

import numpy as np
import pytest

from commbench.analysis.compare_metrics import Values
from commbench.analysis.compare_verdict import Question, findings
from commbench.analysis.comparison import Finding, Margin, Verdict
from commbench.statistics.pairs_needed import log_margin
from tests.truth.full import only_in_full
from tests.truth.launched import Launched, launch
from tests.truth.planted_worker import Fault
from tests.truth.table import TruthTable

pytestmark = [
    pytest.mark.alone,
    pytest.mark.ranks,
    pytest.mark.timeout(180),
    only_in_full("compares times on this machine"),
]

WHERE = "truth/test_against_itself.py"
COMPARISONS, PAIRS, VISIT_CALLS = 20, 20, 10
SIZE_BYTES, SLEEP_MS, SLOWER = 4096, 1.0, 0.10
MARGIN = Margin(0.03)


def _copies(folder: Path, fault: Fault) -> Launched:
    """Measure two copies of one point."""
    return launch(
        folder,
        fault,
        copies=2,
        sizes=f"[{SIZE_BYTES}]",
        iterations=str(COMPARISONS * PAIRS * VISIT_CALLS),
        visit_iterations=str(VISIT_CALLS),
        schedule='"interleaved"',
    )


def _compared(run: Launched) -> list[Finding]:
    """Return what each comparison of the first copy with the second says, by the p50 of every visit."""
    times = {result.point.point_id: result.samples.time_ns for result in run.results if result.samples is not None}
    p50 = [np.median(times[each].reshape(COMPARISONS, PAIRS, VISIT_CALLS), axis=2) for each in (0, 1)]
    found = []
    for a, b in zip(*p50, strict=True):
        question = Question.of(0, "p50", Values(a, b), log_margin(MARGIN.share))
        found += findings([question], MARGIN, is_imported=False)
    return found


def test_C20_P18_a_copy_of_a_point_does_not_win_against_the_other(tmp_path: Path, truth_table: TruthTable) -> None:
    found = _compared(_copies(tmp_path, Fault()))
    winners = sum(each.verdict in {Verdict.A_FASTER, Verdict.B_FASTER} for each in found)
    ratios = [each.ratio for each in found if each.ratio is not None]
    holds = winners <= 1
    truth_table.add(
        "C20 the tool against itself, two copies of one point, 20 comparisons of 20 pairs of visits",
        "a winner in at most 1",
        f"{winners}; ratios {min(ratios):.3f} to {max(ratios):.3f}",
        holds,
        WHERE,
    )
    assert holds


def test_C20_a_tenth_more_of_every_call_is_found_slower_by_a_tenth(tmp_path: Path, truth_table: TruthTable) -> None:
    run = _copies(tmp_path, Fault(sleep_ms={str(SIZE_BYTES): SLEEP_MS}, spin_share={"1": SLOWER}))
    found = _compared(run)
    truth = 1 / (1 + float(np.median([share for _, share in run.diary(0)["spun"]])))
    right = sum(each.verdict is Verdict.A_FASTER for each in found)
    covered = sum(low <= truth <= high for low, high in (each.ratio_interval or (1, 1) for each in found))
    ratios = [each.ratio for each in found if each.ratio is not None]
    holds = right >= COMPARISONS - 1 and covered >= COMPARISONS - 3  # of intervals at 95 %: 3 misses of 20 are chance
    truth_table.add(
        "C20 every call spins for a tenth of its time more, 20 comparisons of 20 pairs of visits",
        "slower in at least 19; the true ratio in at least 17 of the intervals at 95 %",
        f"slower in {right}, ratio {np.median(ratios):.4f} (truth {truth:.4f}, in {covered} of the intervals)",
        holds,
        WHERE,
    )
    assert holds
