import threading
import time
from pathlib import Path

import pytest

from commbench.errors import ExitCode, StoreError
from commbench.journal import write
from commbench.journal.folder import JournalFolder
from commbench.journal.read import Follower
from commbench.journal.write import JournalWriter

from .journals import make_folder


@pytest.fixture
def folder(tmp_path: Path) -> JournalFolder:
    return make_folder(tmp_path / "run-1")


def test_a_second_writer_is_refused_while_the_first_writes(
    folder: JournalFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(write, "_LOCK_WAIT_S", 0.2)
    with JournalWriter(folder) as first:
        with pytest.raises(StoreError, match="run run-1 is being measured by another process") as caught, _new(folder):
            pass
        first.write("still", here=1)
    assert caught.value.exit_code == ExitCode.UNFIT
    assert list(Follower(folder.lines).new_lines()) == [{"kind": "still", "here": 1}]


def test_a_second_writer_gets_its_turn_when_the_first_lets_go_in_time(folder: JournalFolder) -> None:
    first = JournalWriter(folder)
    first.__enter__()
    leaving = threading.Timer(0.3, first.__exit__, (None, None, None))
    leaving.start()
    began = time.monotonic()
    with _new(folder) as second:
        second.write("mine")
    leaving.join()
    assert time.monotonic() - began >= 0.25
    assert [line["kind"] for line in Follower(folder.lines).new_lines()] == ["mine"]


def test_a_writer_that_was_refused_holds_nothing_back(folder: JournalFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write, "_LOCK_WAIT_S", 0.0)
    with JournalWriter(folder), pytest.raises(StoreError), _new(folder):
        pass
    with _new(folder) as writer:
        writer.write("free")


def test_lines_of_all_writers_stand_in_order(folder: JournalFolder) -> None:
    for n in range(3):
        with JournalWriter(folder) as writer:
            writer.write("line", n=n, text="zwölf\n\u2028")
    assert [line["n"] for line in Follower(folder.lines).new_lines()] == [0, 1, 2]
    assert folder.lines.read_bytes().count(b"\n") == 3


def test_a_folder_that_is_gone_is_a_message(tmp_path: Path) -> None:
    with (
        pytest.raises(StoreError, match=r"cannot write the journal .*: No such file"),
        _new(JournalFolder(tmp_path / "no")),
    ):
        pass


def _new(folder: JournalFolder) -> JournalWriter:
    return JournalWriter(folder)
