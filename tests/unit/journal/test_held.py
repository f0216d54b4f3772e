"""A journal outlives its folder."""

import errno
import os
import shutil
from pathlib import Path

import pytest

from commbench.errors import StoreError
from commbench.journal.folder import JournalFolder
from commbench.journal.held import HeldJournal
from commbench.journal.read import Follower, read_journal
from commbench.journal.write import JournalWriter

from .journals import make_folder


@pytest.fixture
def folder(tmp_path: Path) -> JournalFolder:
    folder = make_folder(tmp_path / "store" / "run-1")
    with JournalWriter(folder) as writer:
        writer.write("before")
    return folder


def _kinds(folder: JournalFolder) -> list[str]:
    return [line["kind"] for line in Follower(folder.lines).new_lines()]


def test_a_journal_stays_where_it_is_as_long_as_that_works(folder: JournalFolder, tmp_path: Path) -> None:
    with HeldJournal(folder, tmp_path / "refuge") as held:
        assert held.secure() == folder
    assert not (tmp_path / "refuge").exists()
    assert {path.name for path in folder.path.iterdir()} == {"plan.json", "journal.jsonl", "lock"}


def test_lines_written_after_the_folder_was_removed_are_saved_too(folder: JournalFolder, tmp_path: Path) -> None:
    plan = read_journal(folder).plan
    with HeldJournal(folder, tmp_path / "refuge") as held:
        with JournalWriter(folder) as writer:
            shutil.rmtree(tmp_path / "store")
            writer.write("after")
        saved = held.secure()
        assert held.secure() == saved == JournalFolder(tmp_path / "refuge")
    assert _kinds(saved) == ["before", "after"]
    assert read_journal(saved).plan == plan
    assert not folder.path.exists()


def test_a_full_disk_moves_the_journal_without_its_torn_line(
    folder: JournalFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with folder.lines.open("ab") as file:
        file.write(b'{"kind":"torn')
    sync = os.fsync

    def full(descriptor: int) -> None:
        if str(folder.path) in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with JournalWriter(folder) as writer, pytest.raises(StoreError, match=r"run-1: No space left on device"):
        writer.write("lost")
    with HeldJournal(folder, tmp_path / "refuge") as held:
        saved = held.secure()
        with JournalWriter(saved) as writer:
            writer.write("later")
    assert _kinds(saved)[0] == "before"
    assert _kinds(saved)[-1] == "later"
    assert not folder.path.exists()  # there must not be two of it


def test_where_neither_place_works_both_are_named_and_nothing_is_removed(folder: JournalFolder, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    aside = folder.lines.rename(tmp_path / "aside")
    with pytest.raises(FileNotFoundError), HeldJournal(folder, tmp_path / "refuge"):
        pass
    aside.rename(folder.lines)
    with HeldJournal(folder, tmp_path / "file" / "refuge") as held:
        folder.lines.rename(aside)
        words = (
            r"cannot go on writing the journal .*run-1 \(it was removed\), nor copy it to .*refuge \(Not a directory\)"
        )
        with pytest.raises(StoreError, match=words):
            held.secure()
    assert folder.plan.exists()
