"""Whatever ends a run in the middle, `--resume` goes on, and every point is stored exactly once."""

import re
import shlex
import signal
import subprocess

import pytest

from commbench.errors import ExitCode

from .command import LONG, LONG_POINTS, Workplace

BEFORE_THE_END = 20  # results of a session before it is ended; far fewer than there are


def start_and_end(workplace: Workplace, how: signal.Signals, *options: str) -> "subprocess.CompletedProcess[str]":
    """Run the long suite and send it a signal in the middle."""
    with workplace.start("run", "./long.toml", *options) as process:
        try:
            workplace.wait_for_results(more=BEFORE_THE_END)
            process.send_signal(how)
            _, said = process.communicate(timeout=90)
        finally:
            process.kill()
    return subprocess.CompletedProcess(process.args, process.returncode, "", said)


def assert_each_point_is_stored_exactly_once(workplace: Workplace, sessions: int) -> None:
    rows = workplace.rows()
    assert rows["run_id"].nunique() == 1
    assert sorted(rows["point_id"]) == list(range(LONG_POINTS))
    assert set(rows["status"]) == {"ok"}
    assert set(rows["attempt"]) == {0}
    assert sorted(rows["session"].unique()) == list(range(sessions))
    assert list((workplace.store / "_journal").iterdir()) == []


@pytest.fixture
def workplace(workplace: Workplace) -> Workplace:
    workplace.write("long.toml", LONG)
    return workplace


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=lambda how: how.name)
def test_after_ctrl_c_the_printed_command_completes_the_run(workplace: Workplace, how: signal.Signals) -> None:
    ended = start_and_end(workplace, how)
    assert ended.returncode == ExitCode.INTERRUPTED
    assert "Traceback" not in ended.stderr
    stored = len(workplace.rows())
    assert BEFORE_THE_END <= stored < LONG_POINTS  # what was finished is in the store already
    printed = re.search(r"go on with: commbench (.*)", ended.stderr)
    assert printed is not None
    listed = workplace.run("list").stdout
    assert "Unfinished runs" in listed
    assert f"{stored} of {LONG_POINTS} points" in listed
    done = workplace.run(*shlex.split(printed[1]))
    assert done.returncode == ExitCode.OK, done.stderr
    assert_each_point_is_stored_exactly_once(workplace, sessions=2)


def test_after_kill_9_of_the_controller_resume_completes_the_run(workplace: Workplace) -> None:
    assert start_and_end(workplace, signal.SIGKILL).returncode == -signal.SIGKILL
    done = workplace.run("run", "./long.toml", "--resume")
    assert done.returncode == ExitCode.OK, done.stderr
    assert_each_point_is_stored_exactly_once(workplace, sessions=2)


def test_after_many_deaths_of_all_kinds_the_run_is_still_completed(workplace: Workplace) -> None:
    start_and_end(workplace, signal.SIGKILL)
    start_and_end(workplace, signal.SIGINT, "--resume")
    start_and_end(workplace, signal.SIGKILL, "--resume")
    done = workplace.run("run", "./long.toml", "--resume")
    assert done.returncode == ExitCode.OK, done.stderr
    assert_each_point_is_stored_exactly_once(workplace, sessions=4)


def test_a_run_whose_suite_was_changed_is_not_resumed_and_not_lost(workplace: Workplace) -> None:
    start_and_end(workplace, signal.SIGKILL)
    workplace.write("long.toml", LONG.replace("iterations = 400", "iterations = 401"))
    done = workplace.run("run", "./long.toml", "--resume")
    assert done.returncode == ExitCode.USAGE
    assert "is unfinished, but the suite file has changed since; put the old file back" in done.stderr
    workplace.write("long.toml", LONG)
    assert workplace.run("run", "./long.toml", "--resume").returncode == ExitCode.OK
    assert_each_point_is_stored_exactly_once(workplace, sessions=2)
