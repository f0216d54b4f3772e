"""Rank 0 serves the key-value store: it goes last, and does not wait for ever for a rank that died."""

import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.ranks

# Every rank but 0 takes its time before it hears the last word.
PROGRAM = """
import os, sys, time
from datetime import timedelta
from commbench.backend import meeting
from commbench.environment.place import find_place
meeting._LEAVING_LIMIT = timedelta(seconds=3)
place = find_place(os.environ)
board = meeting.StoreMeeting(place)
if place.rank == 0:
    board.announce("last", "end")
else:
    time.sleep(0.5 * place.rank)
    assert board.hear("last") == "end"
    if sys.argv[1] == "dies" and place.rank == 1:
        os._exit(7)
board.leave()
"""


def run(ranks: int, how: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "commbench.launch.ranks", str(ranks), sys.executable, "-c", PROGRAM, how]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("ranks", [1, 3])
def test_ranks_that_are_slow_to_hear_the_last_word_still_hear_it(ranks: int) -> None:
    done = run(ranks, "lives")
    assert done.returncode == 0, done.stderr


def test_rank_0_goes_though_a_rank_died_before_it_left() -> None:
    begun = time.monotonic()
    done = run(2, "dies")
    assert done.returncode == 4
    assert "rank 1 " in done.stderr
    assert "ended with exit code 7" in done.stderr
    assert time.monotonic() - begun < 60
