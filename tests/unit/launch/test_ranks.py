"""The ranks of one host: they know their places, end together, and are told apart when they fail."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from commbench.environment.listening import listen
from commbench.launch.ranks import HostPart, HostRanks

TELLS = (
    "import os; names = ('RANK', 'LOCAL_RANK', 'WORLD_SIZE', 'MASTER_ADDR')\n"
    "os.write(1, (' '.join(os.environ[name] for name in names) + '\\n').encode())"
)


def command(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def spawn(ranks: int, program: str) -> "subprocess.Popen[str]":
    arguments = [sys.executable, "-m", "commbench.launch.ranks", str(ranks), *command(program)]
    pipe = subprocess.PIPE
    return subprocess.Popen(arguments, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def finish(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=90)
    return process.returncode, out, err


def test_every_rank_is_told_its_place() -> None:
    code, out, _ = finish(spawn(3, TELLS))
    assert code == 0
    assert sorted(out.splitlines()) == [f"{rank} {rank} 3 127.0.0.1" for rank in range(3)]


def test_the_ranks_of_a_further_host_count_on() -> None:
    part = HostPart((), ranks=4, master_addr="10.0.0.1", master_port=5, node=2, node_count=3)
    assert [part.variables(local)["RANK"] for local in range(4)] == ["8", "9", "10", "11"]
    assert {part.variables(local)["WORLD_SIZE"] for local in range(4)} == {"12"}


def test_a_rank_that_fails_ends_the_others_and_is_named_with_its_exit_code() -> None:
    program = "import os, time; time.sleep(0.1 if os.environ['RANK'] == '1' else 60); os._exit(7)"
    begun = time.monotonic()
    code, _, err = finish(spawn(3, program))
    assert time.monotonic() - begun < 50
    assert code == 4
    first, *others = err.splitlines()
    assert re.fullmatch(r"rank 1 \(pid \d+, host \S+\) ended with exit code 7", first)
    assert [re.sub(r".* (-?\d+, .*)", r"\1", line) for line in others] == ["-15, as it was told to"] * 2


def test_ranks_that_fail_on_their_own_a_little_later_keep_their_exit_codes() -> None:
    """So that a cause that is slow to end is not taken for a victim."""
    program = "import os, time; rank = int(os.environ['RANK']); time.sleep(0.3 * rank); os._exit(10 + rank)"
    code, _, err = finish(spawn(3, program))
    assert code == 4
    assert [line.rpartition(" ")[2] for line in err.splitlines()] == ["10", "11", "12"]


def test_a_stopped_rank_is_killed_when_another_one_fails() -> None:
    program = (
        "import os, signal, sys, time\n"
        "if os.environ['RANK'] == '0': os.kill(os.getpid(), signal.SIGSTOP)\n"
        "time.sleep(0.5); sys.exit(1)"
    )
    code, _, err = finish(spawn(2, program))
    assert code == 4
    assert re.search(r"rank 1 \(.*\) ended with exit code 1$", err, re.MULTILINE)
    assert re.search(r"rank 0 \(.*\) ended with exit code -9, as it was told to$", err, re.MULTILINE)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_ending_the_program_ends_its_ranks(number: signal.Signals) -> None:
    process = spawn(2, "import os, time; os.write(1, b'here\\n'); time.sleep(60)")
    assert process.stdout is not None
    assert [process.stdout.readline(), process.stdout.readline()] == ["here\n", "here\n"]
    ranks = psutil.Process(process.pid).children()
    process.send_signal(number)
    assert finish(process)[0] == 4
    assert not [rank for rank in ranks if rank.is_running()]


def test_ranks_inherit_standard_input_whose_end_tells_that_the_controller_is_gone() -> None:
    process = spawn(2, "import os, sys; sys.stdin.read(); os.write(1, b'over\\n')")
    code, out, _ = finish(process)
    assert (code, out) == (0, "over\nover\n")


def test_rank_0_takes_the_meeting_over_so_that_nobody_else_can_have_its_port(tmp_path: Path) -> None:
    said = tmp_path / "said"
    program = (
        "import os, pathlib, socket\n"
        "fd = os.environ.get('COMMBENCH_MEETING_FD', '')\n"
        "port = socket.socket(fileno=int(fd)).getsockname()[1] if fd else ''\n"
        f"pathlib.Path({str(said)!r} + os.environ['RANK']).write_text(f'{{port}}')"
    )
    meeting = listen()
    port = meeting.getsockname()[1]
    wait_for(HostRanks(HostPart(tuple(command(program)), 2, "127.0.0.1", port), os.environ, meeting))
    assert [Path(f"{said}{rank}").read_text() for rank in range(2)] == [str(port), ""]
    assert meeting.fileno() == -1, "kept open it would answer for a rank 0 that is gone"


def test_waiting_hears_other_descriptors_too() -> None:
    reader, writer = os.pipe()
    ranks = HostRanks(HostPart(tuple(command("import time; time.sleep(60)")), 1, "", 0), os.environ)
    try:
        os.write(writer, b"x")
        assert ranks.wait(reader)
        assert ranks.are_running
    finally:
        ranks.end()
        os.close(reader)
        os.close(writer)
    assert [failure.exit_code for failure in ranks.failures] == [-signal.SIGKILL]


def test_a_program_that_cannot_be_started_leaves_no_rank_behind() -> None:
    before = set(psutil.Process().children())  # of other tests
    with pytest.raises(OSError, match="No such file"):
        HostRanks(HostPart(("/does/not/exist",), 2, "", 0), os.environ)
    assert set(psutil.Process().children()) <= before


def wait_for(ranks: HostRanks, others: Sequence[int] = ()) -> None:
    while ranks.are_running:
        ranks.wait(*others)
    assert not ranks.failures
