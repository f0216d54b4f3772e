import errno
import multiprocessing
import os
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from commbench.errors import StoreError, StoreUnavailableError
from commbench.store import folder
from commbench.store.store import Store

from .factory import make_point, make_record, make_result, make_samples

WRITERS, RUNS = 4, 10


def _files(store: Store) -> dict[str, int]:
    return {str(path.relative_to(store.path)): path.stat().st_mtime_ns for path in store.path.rglob("*.parquet")}


def test_a_session_becomes_one_file_per_dataset(store: Store) -> None:
    store.append(make_record("run-1", session=3))
    assert sorted(_files(store)) == [
        f"{name}/month=2026-03/run-1-s3.parquet" for name in ("points", "ranks", "runs", "samples")
    ]
    assert list((store.path / "_staging").iterdir()) == []


def test_publishing_twice_changes_nothing(store: Store) -> None:
    store.append(make_record())
    before = _files(store)
    store.append(make_record())
    assert _files(store) == before


def test_another_content_under_the_same_name_is_refused(store: Store) -> None:
    store.append(make_record())
    before = _files(store)
    other = make_record("run-1", make_result(make_point(0), samples=make_samples(99)))
    with pytest.raises(StoreError, match=r"run-1-s0\.parquet is there with another content.*nothing was overwritten"):
        store.append(other)
    assert _files(store) == before


def test_a_damaged_file_under_the_same_name_is_named(store: Store) -> None:
    store.append(make_record())
    next(store.path.glob("points/*/*")).write_bytes(b"")
    with pytest.raises(StoreError, match=r"run-1-s0\.parquet is there but cannot be read.*move it away"):
        store.append(make_record())


def test_a_publication_cut_short_is_completed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    place, calls = folder._place, []

    def die_at_the_third(staged: Path, final: Path) -> bool:
        calls.append(final)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return place(staged, final)

    monkeypatch.setattr(folder, "_place", die_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        store.append(make_record())
    assert len(store.runs()) == 0  # no promise without the other files
    monkeypatch.undo()
    store.append(make_record())
    assert (len(store.points()), len(store.runs())) == (2, 1)


def test_files_are_compressed_and_times_delta_encoded(store: Store) -> None:
    store.append(make_record())
    group = pq.read_metadata(next(store.path.glob("samples/*/*"))).row_group(0)
    columns = {group.column(index).path_in_schema: group.column(index) for index in range(group.num_columns)}
    assert {column.compression for column in columns.values()} == {"ZSTD"}
    assert "DELTA_BINARY_PACKED" in columns["time_ns.list.element"].encodings
    assert "DELTA_BINARY_PACKED" in columns["enter_ns.list.element"].encodings


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOTSUP])
def test_file_systems_without_hard_links(store: Store, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def no_links(source: Path, target: Path) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "link", no_links)
    store.append(make_record())
    store.append(make_record())
    assert len(store.points()) == 2
    with pytest.raises(StoreError, match="another content"):
        store.append(make_record("run-1", make_result()))
    assert list((store.path / "_staging").iterdir()) == []


def test_a_link_that_nfs_made_but_denied_counts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link

    def answer_lost(source: Path, target: Path) -> None:
        link(source, target)
        raise FileExistsError(errno.EEXIST, "File exists")

    monkeypatch.setattr(os, "link", answer_lost)
    store.append(make_record())
    assert len(store.points()) == 2


def test_a_full_disk_is_one_sentence_and_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"cannot write .*run-1-s0\.parquet: No space left on device"):
        store.append(make_record())
    assert _files(store) == {}
    assert list((store.path / "_staging").iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a read-only file system")
def test_a_read_only_folder_is_one_sentence_and_may_pass(store: Store) -> None:
    store.append(make_record("run-1"))
    here = str(store.path)
    if subprocess.run(["mount", "--bind", here, here], check=False, capture_output=True).returncode != 0:
        pytest.skip("file systems cannot be mounted here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", here], check=True)
        for read_only in (store, Store.open(here, create=False)):
            with pytest.raises(StoreUnavailableError, match="Read-only file system"):
                read_only.append(make_record("run-2"))
        with pytest.raises(StoreError, match=r"cannot be written: Read-only file system; choose another --store"):
            Store.open(here, create=True)
        assert len(Store.open(here, create=False).points()) == 2
    finally:
        subprocess.run(["umount", here], check=True)
    store.append(make_record("run-2"))
    assert len(store.points()) == 4


def test_a_folder_that_vanished_is_not_made_anew(store: Store) -> None:
    store.path.rename(store.path.with_name("moved"))
    with pytest.raises(StoreUnavailableError, match="was removed, moved or unmounted since the store was opened"):
        store.append(make_record())
    assert not store.path.exists()
    store.path.mkdir()  # an empty mount point
    with pytest.raises(StoreUnavailableError, match="was removed, moved or unmounted since the store was opened"):
        store.append(make_record())
    assert list(store.path.iterdir()) == []


def test_a_file_that_does_not_read_back_is_not_published(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pq, "write_table", lambda table, file, **options: file.write(b"PAR1 torn"))
    with pytest.raises(StoreError, match="cannot be read back"):
        store.append(make_record())
    assert _files(store) == {}


def test_a_disk_that_does_not_keep_what_it_was_given_publishes_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "read_bytes", lambda path: b"PAR1 torn")
    with pytest.raises(StoreUnavailableError, match="does not read back as it was written"):
        store.append(make_record())
    assert _files(store) == {}


def test_leftovers_of_killed_writers_disturb_nobody_and_go_after_a_week(store: Store) -> None:
    old, young = (store.path / "_staging" / name for name in ("node-1-old", "node-1-young"))
    for path in (old, young):
        path.write_bytes(b"PAR1 half a file")
    week_ago = time.time() - 8 * 24 * 3600
    os.utime(old, (week_ago, week_ago))
    store.append(make_record())
    assert not old.exists()
    assert young.exists()
    assert len(pd.read_parquet(store.path / "points")) == len(store.points()) == 2


def test_values_too_large_for_their_column_are_refused_whole(store: Store) -> None:
    with pytest.raises(StoreError, match="does not fit the store's columns"):
        store.append(make_record("run-1", replace(make_result(), attempt=2**15)))
    assert _files(store) == {}


def _write_runs(path: Path, writer: int) -> None:
    store = Store.open(path, create=True)
    for run in range(RUNS):
        store.append(make_record(f"run-{writer}-{run}"))
        store.append(make_record("contested"))  # the same run and session from everyone


def test_writers_at_once_and_one_killed_leave_every_point_once(tmp_path: Path) -> None:
    # Spawned, not forked: pyarrow's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    path = tmp_path / "results"
    writers = [context.Process(target=_write_runs, args=(path, writer)) for writer in range(WRITERS)]
    for writer in writers:
        writer.start()
    deadline = time.monotonic() + 60
    while not list(path.glob("runs/*/run-0-2-s0.parquet")) and time.monotonic() < deadline:
        time.sleep(0.005)
    writers[0].kill()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers[1:]] == [0] * (WRITERS - 1)
    again = context.Process(target=_write_runs, args=(path, 0))  # the killed one starts over
    again.start()
    again.join(60)
    store = Store.open(path, create=False)
    for points in (store.points(), pd.read_parquet(path / "points")):
        assert len(points) == 2 * (WRITERS * RUNS + 1)
        assert not points.duplicated(["run_id", "point_id", "attempt"]).any()
    assert len(store.runs()) == WRITERS * RUNS + 1
    stray = [file for name in ("points", "samples", "runs") for file in (path / name).rglob("*") if file.is_file()]
    assert {file.suffix for file in stray} == {".parquet"}
    assert all(isinstance(pq.read_table(file), pa.Table) for file in stray)
