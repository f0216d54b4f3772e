"""Wrong data is seen, stored with its first bad index, and fails the run, whatever went wrong on the way."""

from pathlib import Path

import pytest

from commbench.journal.read import read_journal
from commbench.launch.commands import local_ranks
from commbench.launch.session import SessionStart, create_journal, run_session
from commbench.model.point import Point
from commbench.model.result import PointResult, Status
from commbench.model.run import ExitState
from commbench.plan.expand import expand
from commbench.plan.load import load
from tests.ranks.conftest import SUITE
from tests.ranks.faulty_worker import FAULTS

pytestmark = pytest.mark.ranks

SIZE_BYTES = 64 * 1024
COUNT = SIZE_BYTES // 4 // 2  # float32 elements per rank


class _Quiet:
    presses = 0

    def started(self, point: Point) -> None:
        """Say nothing."""

    def finished(self, result: PointResult) -> None:
        """Say nothing."""


@pytest.mark.parametrize(
    ("fault", "first_index"), [("swap", 0), ("drop", COUNT), ("double", COUNT), ("flip", COUNT + 17)]
)
def test_a_chunk_that_is_misplaced_dropped_or_doubled_is_found(fault: str, first_index: int, tmp_path: Path) -> None:
    assert fault in FAULTS
    suite = tmp_path / "faulty.toml"
    sizes, collectives = f"[{SIZE_BYTES}]", '["all_gather"]'
    suite.write_text(SUITE.format(collectives=collectives, sizes=sizes, ranks="[2]", iterations=3, limit=60))
    plan = expand(load(str(suite)))
    folder = create_journal(tmp_path / "journal", plan)
    command = local_ranks(2, folder.path, (str(Path(__file__).with_name("faulty_worker.py")), fault))
    _, outcome = run_session(folder, SessionStart((), "", "adhoc"), command, _Quiet(), _Quiet())
    (result,) = read_journal(folder).results
    assert outcome.exit_state is ExitState.WRONG, folder.launch_log(0).read_text()
    assert result.status is Status.WRONG
    assert (result.correctness.rank, result.correctness.index) == (1, first_index)
    assert result.correctness.wrong_count >= 1
    assert result.correctness.expected != result.correctness.got
