import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commbench.errors import StoreError
from commbench.journal.folder import JournalFolder
from commbench.journal.read import Follower, read_journal
from commbench.journal.write import JournalWriter
from commbench.model.result import Status
from commbench.model.run import ExitState

from .journals import ENVIRONMENT, POINTS, Script, make_folder

FINAL = {Status.OK, Status.WRONG, Status.SKIPPED}


@pytest.fixture
def script(tmp_path: Path) -> Script:
    script = Script(make_folder(tmp_path / "run-1"))
    script.session()
    return script


def test_a_fresh_run_has_everything_to_do_in_plan_order(tmp_path: Path) -> None:
    journal = read_journal(make_folder(tmp_path / "run-1"))
    assert journal.todo() == tuple((point_id, 0) for point_id in range(POINTS))
    assert (journal.sessions, journal.results) == ((), ())


@pytest.mark.parametrize("status", Status)
def test_only_a_failed_point_is_tried_again_and_with_the_next_attempt(script: Script, status: Status) -> None:
    script.result(1, status)
    others = [(point_id, 0) for point_id in range(POINTS) if point_id != 1]
    again = [] if status in FINAL else [(1, 1)]
    assert script.read().todo() == tuple(sorted([*others, *again]))


@settings(max_examples=25)
@given(st.lists(st.lists(st.sampled_from([Status.ERROR, Status.TIMEOUT, *FINAL]), max_size=POINTS), max_size=4))
def test_sessions_that_follow_the_todo_list_finish_every_point_exactly_once(sessions: list[list[Status]]) -> None:
    with TemporaryDirectory() as path:
        script = Script(make_folder(Path(path) / "run-1"))
        for statuses in sessions:
            todo = script.read().todo()
            script.session()
            for (point_id, attempt), status in zip(todo, statuses, strict=False):
                script.started(point_id, attempt)
                script.result(point_id, status, attempt)
        journal = script.read()
    left = dict(journal.todo())
    finals = Counter(result.point.point_id for result in journal.results if result.status in FINAL)
    assert len(left) == len(journal.todo())
    assert set(finals.values()) <= {1}
    assert set(finals) | set(left) == set(range(POINTS))
    assert not set(finals) & set(left)
    attempts = Counter(result.point.point_id for result in journal.results)
    assert left == {point_id: attempts[point_id] for point_id in left}


def test_the_point_under_way_when_a_session_died_is_the_lost_one(script: Script) -> None:
    assert script.read().lost_point(0) is None
    script.started(0)
    assert script.read().lost_point(0) == (0, 0, script.now_ns)
    script.result(0)
    assert script.read().lost_point(0) is None
    script.started(1, attempt=2)
    lost_at_ns = script.now_ns
    script.session()
    assert script.read().lost_point(0) == (1, 2, lost_at_ns)
    assert script.read().lost_point(1) is None


def test_a_lost_point_is_still_to_do(script: Script) -> None:
    script.started(0)
    assert script.read().todo()[0] == (0, 0)


def test_the_record_of_a_killed_session_says_so_and_ends_with_its_last_line(script: Script) -> None:
    script.result(0)
    last_ns = script.now_ns
    script.session()
    journal = script.read()
    assert not journal.is_ended(0)
    session = journal.record(0).session
    assert (session.run_id, session.session, session.launcher) == ("run-1", 0, "local")
    assert (session.exit_state, session.ended_at_ns) == (ExitState.KILLED, last_ns)
    assert session.reason == "the controlling process was killed"


def test_the_record_of_an_ended_session_says_how_and_holds_only_its_own_results(script: Script) -> None:
    script.result(0)
    script.end("failed", "rank 1 died")
    script.session()
    script.result(1)
    script.end("complete")
    journal = script.read()
    first, second = journal.record(0), journal.record(1)
    assert (first.session.exit_state, first.session.reason) == (ExitState.FAILED, "rank 1 died")
    assert second.session.exit_state is ExitState.COMPLETE
    assert [result.point.point_id for result in first.results] == [0]
    assert [result.point.point_id for result in second.results] == [1]
    assert first.session.started_at_ns < first.session.ended_at_ns < second.session.started_at_ns


def test_what_the_ranks_saw_replaces_what_the_controller_saw(script: Script) -> None:
    assert script.read().record(0).environment == ENVIRONMENT
    script.write("environment", environment={"commbench_version": "9", "commbench_commit": "", "hosts": []})
    assert script.read().record(0).environment == replace(
        ENVIRONMENT, commbench_version="9", commbench_commit="", hosts=()
    )


def written(path: Path) -> JournalFolder:
    script = Script(make_folder(path))
    script.session()
    script.result(0)
    script.started(1)
    script.result(1, Status.ERROR)
    return script.folder


def test_a_last_line_torn_at_any_byte_is_ignored_cut_and_nothing_else_is_lost(tmp_path: Path) -> None:
    folder = written(tmp_path / "run-1")
    text = folder.lines.read_bytes()
    whole = text[: text[:-1].rfind(b"\n") + 1]
    for length in range(len(whole), len(text)):
        folder.lines.write_bytes(text[:length])
        assert [result.point.point_id for result in read_journal(folder).results] == [0]
        assert read_journal(folder).lost_point(0) is not None
        with JournalWriter(folder) as writer:
            writer.write("end", exit_state="failed", reason="torn", at_ns=9)
        lines = folder.lines.read_bytes()
        assert lines.startswith(whole)
        assert json.loads(lines[len(whole) :])["reason"] == "torn"
        assert read_journal(folder).is_ended(0)


def test_a_damaged_line_in_the_middle_is_a_message_with_a_remedy(tmp_path: Path) -> None:
    folder = written(tmp_path / "run-1")
    folder.lines.write_bytes(b'{"kind": oops}\n' + folder.lines.read_bytes())
    with pytest.raises(StoreError, match=r"cannot read the journal .*run-1.*; delete that folder to drop the run"):
        read_journal(folder)


def test_a_folder_without_a_plan_is_a_message_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot read the journal .*; delete that folder"):
        read_journal(JournalFolder(tmp_path / "nothing"))


def test_a_follower_yields_each_line_once_and_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    follower = Follower(path)
    assert list(follower.new_lines()) == []
    text = b"".join(json.dumps({"kind": "x", "n": n, "t": "\u2028\r\n"}).encode() + b"\n" for n in range(3))
    seen: list[int] = []
    for length in range(len(text) + 1):
        path.write_bytes(text[:length])
        seen += [line["n"] for line in follower.new_lines()]
        assert len(seen) == text[:length].count(b"\n")
    assert seen == [0, 1, 2]


def test_a_follower_begins_where_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_bytes(b'{"n":0}\n')
    follower = Follower(path, offset=path.stat().st_size)
    with path.open("ab") as file:
        file.write(b'{"n":1}\n')
    assert [line["n"] for line in follower.new_lines()] == [1]
