import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commbench.store import compact as compact_module
from commbench.store.compact import compact
from commbench.store.store import Store

from .factory import make_point, make_record, make_result
from .upkeep_store import append_night, fill, night

APRIL, MAY = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 5, 1, tzinfo=UTC)
QUESTIONS = [
    {"columns": ["run_id", "point_id", "busbw_gb_s"]},
    {"collective": "all_gather"},
    {"since": APRIL},
    {"until": MAY, "columns": ["started_at"]},
    {"since": APRIL, "until": MAY, "status": ["ok", "error"], "columns": ["run_id"]},
    {"run_id": "run-0410"},
    {},
]


def _copies(store: Store) -> list[Path]:
    return sorted(store.path.glob("_cache/*/*"))


def _published(store: Store) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(store.path.glob("*/month=*/*"))}


def _states(store: Store) -> list[tuple[str, str, str]]:
    return [(done.dataset, done.month, done.state) for done in compact(store.medium)]


@pytest.fixture
def nights(store: Store) -> Store:
    return fill(store)


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_a_compacted_store_answers_as_it_did_before(nights: Store, question: dict[str, object]) -> None:
    before = nights.points(**question)  # type: ignore[arg-type]
    assert len(list(compact(nights.medium))) == 6
    assert len(before) > 0
    pd.testing.assert_frame_equal(nights.points(**question), before)  # type: ignore[arg-type]


def test_the_copies_are_what_answers(nights: Store) -> None:
    list(compact(nights.medium))
    for path in _published(nights):
        path.write_bytes(b"x" * path.stat().st_size)  # the same name and size: no reader would do this
    assert len(nights.points(columns=["run_id"])) == 12
    assert len(nights.runs(columns=["run_id"])) == 6


def test_published_files_are_never_rewritten(nights: Store) -> None:
    before = _published(nights)
    list(compact(nights.medium))
    assert _published(nights) == before
    assert len(_copies(nights)) == 6
    assert len(pd.read_parquet(nights.path / "points")) == 12


def test_a_run_that_comes_later_is_read_at_once_and_only_its_month_is_copied_again(nights: Store) -> None:
    list(compact(nights.medium))
    append_night(nights, "run-0425", night(4, 25))
    assert list(nights.points(columns=["run_id"])["run_id"].unique()) == [
        "run-0310", "run-0320", "run-0410", "run-0420", "run-0425", "run-0510", "run-0520",
    ]  # fmt: skip
    assert [state for state in _states(nights) if state[2] != "current"] == [
        ("points", "2026-04", "built"),
        ("runs", "2026-04", "built"),
    ]
    assert len(_copies(nights)) == 6
    assert len(nights.points(columns=["run_id"])) == 14


def test_compacting_twice_changes_nothing(nights: Store) -> None:
    list(compact(nights.medium))
    copies = {path: path.stat().st_ino for path in _copies(nights)}
    assert {state for _, _, state in _states(nights)} == {"current"}
    assert {path: path.stat().st_ino for path in _copies(nights)} == copies


def test_a_file_that_goes_takes_its_rows_along_whatever_the_copy_holds(nights: Store) -> None:
    list(compact(nights.medium))
    next(nights.path.glob("points/*/run-0410-s0.parquet")).unlink()
    assert "run-0410" not in set(nights.points(columns=["run_id"])["run_id"])
    for path in nights.path.glob("*/month=2026-03/*"):
        path.unlink()
    list(compact(nights.medium))
    assert not list(nights.path.glob("_cache/*/2026-03*"))


def test_a_month_with_a_damaged_file_is_left_alone_and_reads_go_on_to_name_it(
    nights: Store, caplog: pytest.LogCaptureFixture
) -> None:
    bad = next(nights.path.glob("points/*/run-0410-s0.parquet"))
    bad.write_bytes(bad.read_bytes()[:100])
    left = [done for done in compact(nights.medium) if done.state == "left"]
    assert [(done.dataset, done.month) for done in left] == [("points", "2026-04")]
    assert str(bad) in left[0].why
    with caplog.at_level(logging.WARNING, "commbench.store"):
        assert len(nights.points(columns=["run_id"])) == 10
    assert str(bad) in caplog.text


def test_a_damaged_copy_is_named_and_the_files_are_read_instead(
    nights: Store, caplog: pytest.LogCaptureFixture
) -> None:
    list(compact(nights.medium))
    bad = next(nights.path.glob("_cache/points/2026-04*"))
    bad.write_bytes(bad.read_bytes()[:100])
    with caplog.at_level(logging.WARNING, "commbench.store"):
        assert len(nights.points(columns=["run_id"])) == 12
    assert str(bad) in caplog.text


def test_foreign_files_are_named_after_compaction_too(nights: Store, caplog: pytest.LogCaptureFixture) -> None:
    (nights.path / "points" / "notes.txt").write_text("a note")
    list(compact(nights.medium))
    with caplog.at_level(logging.WARNING, "commbench.store"):
        assert len(nights.points(columns=["run_id"])) == 12
    assert "notes.txt" in caplog.text


def test_a_copy_that_is_replaced_under_a_reader_is_read_from_the_files(
    nights: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    list(compact(nights.medium))
    listed = nights.medium.keys

    def keys(under: str) -> list[str]:
        found = listed(under)
        if under == "_cache/points":
            for path in nights.path.glob("_cache/points/*"):
                path.unlink()
        return found

    monkeypatch.setattr(nights.medium, "keys", keys)
    assert len(nights.points(columns=["run_id"])) == 12


def test_readers_see_every_published_run_once_while_others_write_and_compact(store: Store) -> None:
    append_night(store, "run-00", night(3, 1))
    acknowledged, is_over = ["run-00"], Event()

    def write() -> None:
        try:
            for number in range(1, 9):
                append_night(store, f"run-{number:02d}", night(3 + number % 2, 1 + number))
                acknowledged.append(f"run-{number:02d}")
        finally:
            is_over.set()

    def keep_compacting() -> None:
        while not is_over.is_set():
            list(compact(store.medium))

    reads = 0
    with ThreadPoolExecutor(3) as others:
        jobs = [others.submit(write), others.submit(keep_compacting), others.submit(keep_compacting)]
        while not is_over.is_set():
            known = set(acknowledged)
            found = store.points(columns=["run_id", "point_id"])
            assert not found.duplicated().any()
            assert known <= set(found["run_id"])
            reads += 1
        for job in jobs:
            job.result()
    assert reads > 1
    list(compact(store.medium))
    assert len(_copies(store)) == 4
    assert len(store.points(columns=["run_id"])) == 18


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    runs=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 3)), min_size=1, max_size=6),
    at_once=st.integers(1, 5),
)
def test_law_any_store_answers_the_same_with_copies_as_without(
    runs: list[tuple[int, int]], at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compact_module, "_ROWS_AT_ONCE", at_once)
    monkeypatch.setattr(compact_module, "_GROUP_ROWS", at_once)
    with TemporaryDirectory() as folder:
        store = Store.open(Path(folder) / "results", create=True)
        for number, (month, points) in enumerate(runs):
            results = [
                make_result(make_point(index, collective=("all_reduce", "broadcast")[index % 2]))
                for index in range(points)
            ]
            store.append(make_record(f"run-{number}", *results, started_at_ns=night(month, 1 + number)))
        columns = ["run_id", "point_id", "collective", "hist_bin", "started_at"]
        before, runs_before = store.points(columns=columns), store.runs(columns=["run_id", "hosts"])
        list(compact(store.medium))
        pd.testing.assert_frame_equal(store.points(columns=columns), before)
        pd.testing.assert_frame_equal(store.runs(columns=["run_id", "hosts"]), runs_before)
