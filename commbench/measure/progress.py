"""A rank's progress board: a few numbers in shared memory, so that a silent rank can be named from outside.

Writing a number costs well under a microsecond and is done outside the timed interval.
"""

import mmap
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import MutableSequence

_LAYOUT = struct.Struct("<qqq")  # pid, point_id, calls entered
_PID, _POINT, CALLS = range(3)
_NO_POINT = -1


class ProgressBoard:
    """What one rank is doing, for whoever supervises it; without a folder it is kept to itself."""

    def __init__(self, folder: Path | None, rank: int) -> None:
        self.numbers: MutableSequence[int] = [os.getpid(), _NO_POINT, 0]
        if folder is None:
            return
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"rank-{rank}"
        path.write_bytes(_LAYOUT.pack(*self.numbers))
        with path.open("r+b") as file:
            memory = mmap.mmap(file.fileno(), _LAYOUT.size)
        self.numbers = cast("MutableSequence[int]", memoryview(memory).cast("q"))

    def begin(self, point_id: int) -> None:
        """Say which point this rank is at, before its first call."""
        self.numbers[_POINT] = point_id
        self.numbers[CALLS] = 0


@dataclass(frozen=True, slots=True)
class RankProgress:
    """A reading of one rank's board."""

    rank: int
    pid: int
    point_id: int
    calls: int


def read_boards(folder: Path) -> tuple[RankProgress, ...]:
    """Return what the boards in a folder say, in rank order."""
    boards = []
    for path in folder.glob("rank-*"):
        data = path.read_bytes()
        if len(data) == _LAYOUT.size:
            boards.append(RankProgress(int(path.name.removeprefix("rank-")), *_LAYOUT.unpack(data)))
    return tuple(sorted(boards, key=lambda board: board.rank))
