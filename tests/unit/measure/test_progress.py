import os
from pathlib import Path

from commbench.measure.progress import CALLS, ProgressBoard, RankProgress, read_boards


def test_what_a_rank_writes_is_read_from_outside_while_it_lives(tmp_path: Path) -> None:
    boards = [ProgressBoard(tmp_path / "progress", rank) for rank in (10, 2)]
    boards[0].begin(4)
    boards[0].numbers[CALLS] += 3
    assert read_boards(tmp_path / "progress") == (
        RankProgress(2, os.getpid(), -1, 0),
        RankProgress(10, os.getpid(), 4, 3),
    )


def test_a_board_without_a_folder_is_kept_to_itself_and_works_the_same() -> None:
    board = ProgressBoard(None, 0)
    board.begin(4)
    board.numbers[CALLS] += 1
    assert list(board.numbers) == [os.getpid(), 4, 1]


def test_a_board_that_is_half_written_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "rank-0").write_bytes(b"\0" * 7)
    assert read_boards(tmp_path) == ()
    assert read_boards(tmp_path / "absent") == ()
