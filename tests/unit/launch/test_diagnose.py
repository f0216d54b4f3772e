import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from commbench.launch.channel import sorted_by_label
from commbench.launch.diagnose import name_dead, name_silent
from commbench.launch.processes import Sighting, kill_ranks, sightings, state_of
from commbench.measure.progress import RankProgress

LOGS = Path(__file__).parent / "logs"


@pytest.mark.parametrize(
    ("log", "sentence"),
    [
        ("rank1_killed.log", r"rank 1 \(pid \d+, host vm\) was killed by SIGKILL; if nobody did that, .* dmesg"),
        ("rank1_killed_victim_first.log", r"rank 1 \(pid \d+, host vm\) was killed by SIGKILL; .*"),
        (
            "rank0_raised.log",
            r"rank 0 \(pid \d+, host vm\) failed: ValueError: no such thing as a half rank",
        ),
        ("rank1_exited.log", r"rank 1 \(pid \d+, host vm\) exited with code 7"),
    ],
)
def test_the_rank_that_failed_is_named_and_not_its_victim(log: str, sentence: str) -> None:
    said = name_dead((LOGS / log).read_text(), exit_code=1)
    assert re.fullmatch(sentence, said), said


def test_lines_of_several_nodes_that_come_mixed_are_told_apart_by_their_labels() -> None:
    """As `srun --label` prints them: what several nodes print at once comes mixed."""
    summary = (LOGS / "rank1_killed.log").read_text().splitlines()
    mixed = "".join(f" 0: other\n11: {line}\n" for line in summary)
    said = name_dead(sorted_by_label("srun: error: n11: task 11: Exited\n" + mixed), 1)
    assert re.match(r"rank 1 \(pid \d+, host vm\) was killed by SIGKILL", said), said


def test_a_killed_rank_is_the_cause_even_when_its_victim_said_nothing() -> None:
    text = (LOGS / "rank1_killed_victim_first.log").read_text()
    said = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("[rank0]"))
    assert name_dead(said, 1).startswith("rank 1 ")


def test_a_ranks_own_words_are_passed_on() -> None:
    text = "commbench: the plan is damaged\n" + (LOGS / "rank0_raised.log").read_text()
    assert name_dead(text, 3) == "the plan is damaged"


def test_who_was_killed_is_named_before_what_others_say_of_it_in_our_words() -> None:
    text = "commbench: lost rank 1 while comparing clocks\n" + (LOGS / "rank1_killed.log").read_text()
    assert name_dead(text, 4).startswith("rank 1 (pid 20672, host vm) was killed by SIGKILL")


STORE_GONE = (
    "DistNetworkError: Failed to recv, got 0 bytes. Connection was likely closed. Did the remote server shutdown?"
)


@pytest.mark.parametrize(
    "other",
    [
        f"[rank0]: {STORE_GONE}",
        "[rank0]: RuntimeError: Connection closed by peer",
        "commbench: lost rank 2 while comparing clocks: it closed the connection",
    ],
    ids=["parked", "in a call", "comparing clocks"],
)
def test_who_lost_another_rank_is_not_blamed_though_it_is_first(other: str) -> None:
    ended = "\n".join(f"rank {rank} (pid {rank}, host a) ended with exit code 4" for rank in (0, 2))
    text = f"{other}\n[rank2]: ValueError: no such thing\n{ended}\n"
    assert name_dead(text, 4) == "rank 2 (pid 2, host a) failed: ValueError: no such thing"


def test_a_rank_that_its_watchdog_aborted_is_not_blamed_for_one_that_was_killed() -> None:
    text = "\n".join(
        f"rank {rank} (pid {rank}, host a) ended with exit code {code}" for rank, code in ((0, -6), (1, -9))
    )
    assert name_dead(text, 4).startswith("rank 1 (pid 1, host a) was killed by SIGKILL")
    assert name_dead(text.splitlines()[0], 4).startswith("rank 0 (pid 0, host a) was killed by SIGABRT")


def test_of_our_own_words_those_of_a_lost_rank_come_last() -> None:
    text = "commbench: lost rank 1 while comparing clocks\ncommbench: rank 1 has no interface ib0\n"
    assert name_dead(text, 4) == "rank 1 has no interface ib0"


def test_a_rank_that_was_ended_because_another_failed_is_not_blamed() -> None:
    ended = [
        f"rank {rank} (pid 5, host a) ended with exit code {how}"
        for rank, how in ((0, "-9, as it was told to"), (1, "7"))
    ]
    assert name_dead("\n".join(ended), 4) == "rank 1 (pid 5, host a) exited with code 7"


def test_half_a_line_of_a_rank_that_was_killed_while_it_printed_hides_nobody() -> None:
    raised, killed = ((LOGS / log).read_text() for log in ("rank0_raised.log", "rank1_killed.log"))
    half = '  File "/usr/lib/python3.11'
    assert name_dead(re.sub(r"^(?=\[rank0\]: ValueError)", half, raised, flags=re.MULTILINE), 4) == name_dead(raised, 4)
    assert name_dead(re.sub(r"^(?=rank 1 )", half, killed, flags=re.MULTILINE), 4) == name_dead(killed, 4)


def test_without_a_failure_summary_the_end_of_the_log_is_quoted() -> None:
    text = "".join(f"line {n}\n" for n in range(9)) + "\nsrun: error: node-7: task 3: Exited\n"
    said = name_dead(text, 143, where="(all of it: /store/log)")
    assert said.startswith("the ranks ended with exit code 143: line 6 | line 7 | line 8 | srun: error: node-7: task 3")
    assert said.endswith("(all of it: /store/log)")
    assert "line 5" not in said


def test_ranks_that_printed_nothing_are_said_to() -> None:
    assert name_dead("", 9) == "the ranks ended with exit code 9: they printed nothing"


StartRank = Callable[[], int]


@pytest.fixture
def start_rank() -> Iterator[StartRank]:
    """Start processes that look like ranks to the kernel: the worker's name is on their command line."""
    running: list[subprocess.Popen[bytes]] = []

    def start() -> int:
        program = "import time; time.sleep(60)"
        running.append(subprocess.Popen([sys.executable, "-c", program, "commbench.measure.worker"]))
        wait_until(lambda: state_of(running[-1].pid) != "")
        return running[-1].pid

    yield start
    for process in running:
        process.kill()
        process.wait()


def gone() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def boards(*ranks: tuple[int, int]) -> tuple[RankProgress, ...]:
    """Return the boards of ranks given as (pid, calls), all at point 0."""
    return tuple(RankProgress(rank, pid, 0, calls) for rank, (pid, calls) in enumerate(ranks))


def seen(*ranks: tuple[int, int]) -> tuple[Sighting, ...]:
    return sightings(boards(*ranks))


def test_when_all_ranks_are_inside_the_same_call_nobody_is_accused(start_rank: StartRank) -> None:
    said = name_silent(seen((start_rank(), 7), (start_rank(), 7)), ranks=2)
    assert said == "all ranks are inside call 7 and none returns: the transport between them is stuck"


@pytest.mark.parametrize(
    ("state", "hint"),
    [("R", ""), ("S", " and waits: it is held up, or its packets do not come")],
    ids=["runs", "waits"],
)
def test_the_rank_that_is_behind_is_named_with_its_call_and_with_what_it_may_wait_for(state: str, hint: str) -> None:
    ranks = (Sighting(0, 10, 7, "S"), Sighting(1, 11, 6, state), Sighting(2, 12, 7, "S"))
    assert name_silent(ranks, 3) == f"rank 1 (pid 11) has not come to call 7; it is at call 6{hint}"


def test_a_rank_that_is_gone_is_named_before_one_that_is_behind(start_rank: StartRank) -> None:
    dead = gone()
    assert name_silent(seen((start_rank(), 5), (dead, 7)), 2) == f"rank 1 (pid {dead}) is gone; in call 7 of the point"


def test_a_stopped_rank_is_named_before_one_that_is_behind(start_rank: StartRank) -> None:
    stopped = start_rank()
    os.kill(stopped, signal.SIGSTOP)
    wait_until(lambda: state_of(stopped) == "T")
    said = name_silent(seen((stopped, 7), (start_rank(), 5)), 2)
    assert said.startswith(f"rank 0 (pid {stopped}) is stopped and does not run")


def test_ranks_that_take_no_part_in_the_point_are_not_accused(start_rank: StartRank) -> None:
    said = name_silent(seen((start_rank(), 7), (start_rank(), 7), (gone(), 0)), ranks=2)
    assert said.startswith("all ranks are inside call 7")


def test_without_boards_nobody_is_accused() -> None:
    assert name_silent((), ranks=2) == "no rank on this host says what it is doing"


def test_only_ranks_are_killed_the_stopped_ones_too_and_never_a_strangers_process(start_rank: StartRank) -> None:
    rank, stopped = start_rank(), start_rank()
    os.kill(stopped, signal.SIGSTOP)
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        kill_ranks(boards((rank, 1), (stopped, 1), (stranger.pid, 1), (gone(), 1)))
        wait_until(lambda: state_of(rank) in {"", "Z"} and state_of(stopped) in {"", "Z"})
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)
