"""The supervisor over fake launches: small programs that write journal lines, then end or hang."""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from commbench.journal.codec import result_to_json
from commbench.journal.folder import JournalFolder
from commbench.launch import local, supervise
from commbench.launch.commands import LaunchCommand
from commbench.launch.outcome import Outcome
from commbench.launch.supervise import Supervisor
from commbench.model.plan import Plan, Protocol, Stopping
from commbench.model.point import Point
from commbench.model.result import PointResult, Status
from commbench.model.run import ExitState

POINTS = tuple(
    Point(
        *(point_id, "all_reduce", 1024, 1024, 256, "float32", "sum", 2, 1),
        *(True, "gloo", "tcp", "isolated", "eager", 0.0, 1024, 0.1),
    )
    for point_id in range(4)
)
LIMIT_S = 1.0
PLAN = Plan("tiny", "hash", "text", "gloo", 2, 1, Protocol(Stopping("fixed", 3), 1, 3, point_limit_s=LIMIT_S), POINTS)
RESULT = json.dumps(result_to_json(PointResult(POINTS[0], 0, Status.OK, 0)))

# What every fake launch can do; it also leaves its pid, to see whether it was ended.
PROLOGUE = """
import json, os, pathlib, signal, sys, time
folder = pathlib.Path(sys.argv[1])
(folder / "pid").write_text(str(os.getpid()))
def say(kind, **fields):
    with (folder / "journal.jsonl").open("a") as file:
        file.write(json.dumps({"kind": kind, **fields}) + "\\n")
"""


class Listening:
    """Keeps what the supervisor passed on."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, int]] = []

    def started(self, point: Point) -> None:
        self.heard.append(("started", point.point_id))

    def finished(self, result: PointResult) -> None:
        self.heard.append(("finished", result.point.point_id))


class Button:
    presses = 0


Launch = Callable[[str], Outcome]


@pytest.fixture
def folder(tmp_path: Path) -> JournalFolder:
    folder = JournalFolder(tmp_path)
    folder.lines.write_text('{"kind":"session"}\n{"kind":"started","point_id":1,"attempt":0}\n')
    return folder


@pytest.fixture
def listener() -> Listening:
    return Listening()


@pytest.fixture
def button() -> Button:
    return Button()


@pytest.fixture
def launch(folder: JournalFolder, listener: Listening, button: Button) -> Launch:
    def run(program: str) -> Outcome:
        arguments = (sys.executable, "-c", PROLOGUE + program, str(folder.path))
        return Supervisor(folder, PLAN, 0, listener, button).run(LaunchCommand("fake", arguments, dict(os.environ)))

    return run


def assert_ended(folder: JournalFolder) -> None:
    pid = int((folder.path / "pid").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_launch_that_ends_well_is_complete_and_all_it_wrote_is_passed_on_in_order(
    launch: Launch, listener: Listening
) -> None:
    outcome = launch(
        f"say('started', point_id=0); say('result', result=json.loads('''{RESULT}''')); say('started', point_id=1)"
    )
    assert outcome == Outcome(ExitState.COMPLETE)
    assert listener.heard == [("started", 0), ("finished", 0), ("started", 1)]  # nothing of before the launch


def test_a_launch_that_ends_badly_is_failed_in_its_own_words_and_names_the_point(
    launch: Launch, folder: JournalFolder
) -> None:
    outcome = launch("say('started', point_id=0); print('bad cable', file=sys.stderr); sys.exit(5)")
    assert (outcome.exit_state, outcome.lost_status) == (ExitState.FAILED, Status.ERROR)
    assert f"exit code 5 during {POINTS[0].label}: bad cable" in outcome.reason
    assert folder.launch_log(0).read_text() == "bad cable\n"


def test_between_points_no_point_is_blamed(launch: Launch) -> None:
    outcome = launch(f"say('started', point_id=0); say('result', result=json.loads('''{RESULT}''')); sys.exit(5)")
    assert outcome.exit_state is ExitState.FAILED
    assert "during" not in outcome.reason


def test_a_point_that_takes_longer_than_its_limit_is_ended_at_about_the_limit(
    launch: Launch, folder: JournalFolder
) -> None:
    began = time.monotonic()
    outcome = launch("say('started', point_id=0); time.sleep(60)")
    assert LIMIT_S <= time.monotonic() - began < LIMIT_S + 30
    assert (outcome.exit_state, outcome.lost_status) == (ExitState.FAILED, Status.TIMEOUT)
    assert outcome.reason.startswith(f"{POINTS[0].label} took longer than its limit of 1 s: ")
    assert_ended(folder)


def test_the_limit_is_each_points_own(launch: Launch) -> None:
    outcome = launch("for i in range(4): say('started', point_id=i); time.sleep(0.4)")
    assert outcome.exit_state is ExitState.COMPLETE  # 1.6 s in all


def test_a_launch_that_will_not_go_is_killed(
    launch: Launch, folder: JournalFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "_TERM_GRACE_S", 0.3)
    outcome = launch("signal.signal(signal.SIGTERM, signal.SIG_IGN); say('started', point_id=0); time.sleep(60)")
    assert outcome.lost_status is Status.TIMEOUT
    assert_ended(folder)


def test_ranks_that_never_come_together_are_ended_at_the_start_limit(
    launch: Launch, folder: JournalFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise, "_START_LIMIT_S", 0.5)
    began = time.monotonic()
    outcome = launch("time.sleep(60)")
    assert time.monotonic() - began < 30
    assert (outcome.exit_state, outcome.lost_status) == (ExitState.FAILED, Status.ERROR)
    assert outcome.reason == f"the ranks did not come together; what they printed is in {folder.launch_log(0)}"
    assert_ended(folder)


def test_one_press_asks_the_ranks_to_stop_after_the_point(
    launch: Launch, folder: JournalFolder, button: Button
) -> None:
    button.presses = 1
    outcome = launch("while not (folder / 'stop').exists(): time.sleep(0.01)")
    assert outcome == Outcome(ExitState.INTERRUPTED)


def press_twice_at_the_first_point(monkeypatch: pytest.MonkeyPatch, listener: Listening, button: Button) -> None:
    monkeypatch.setattr(listener, "started", lambda point: setattr(button, "presses", 2))


def test_two_presses_end_the_launch_at_once(
    launch: Launch, folder: JournalFolder, listener: Listening, button: Button, monkeypatch: pytest.MonkeyPatch
) -> None:
    press_twice_at_the_first_point(monkeypatch, listener, button)
    outcome = launch("say('started', point_id=0); time.sleep(60)")
    assert outcome.exit_state is ExitState.INTERRUPTED
    assert_ended(folder)


def test_a_launch_hears_that_its_controller_is_gone_by_the_end_of_its_input(
    launch: Launch, folder: JournalFolder, listener: Listening, button: Button, monkeypatch: pytest.MonkeyPatch
) -> None:
    press_twice_at_the_first_point(monkeypatch, listener, button)
    launch(
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); say('started', point_id=0)\n"
        "sys.stdin.read(); (folder / 'heard').touch()"
    )
    assert (folder.path / "heard").exists()


def test_a_journal_removed_under_a_launch_ends_it_and_is_named(launch: Launch, folder: JournalFolder) -> None:
    outcome = launch(f"say('started', point_id=0); os.remove({str(folder.lines)!r}); time.sleep(60)")
    assert (outcome.exit_state, outcome.lost_status) == (ExitState.FAILED, Status.ERROR)
    assert outcome.reason == f"{folder.path} was removed while the ranks were measuring"
    assert_ended(folder)
