import logging
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from commbench.store.store import Store

from .factory import make_record


def _rewrite(path: Path, change: str) -> None:
    table = pq.read_table(path, partitioning=None)
    if change == "lacks a column":
        table = table.drop_columns(["busbw_gb_s", "extra_json"])
    elif change == "has one more":
        table = table.append_column("clock_bound_us", pa.array([0.5] * len(table)))
    elif change == "foreign":
        table = pa.table({"x": [1, 2]})
    elif change == "retyped":
        table = table.set_column(table.schema.get_field_index("size_bytes"), "size_bytes", pa.array(["1 KiB"] * 2))
    pq.write_table(table, path)


@pytest.fixture
def two_runs(store: Store) -> Store:
    store.append(make_record("run-1"))
    store.append(make_record("run-2"))
    return store


def _points(store: Store, run_id: str) -> Path:
    return next(store.path.glob(f"points/*/{run_id}-s0.parquet"))


@pytest.mark.parametrize("run_id", ["run-1", "run-2"])
def test_a_file_of_an_older_schema_reads_beside_new_ones(two_runs: Store, run_id: str) -> None:
    _rewrite(_points(two_runs, run_id), "lacks a column")
    frame = two_runs.points()
    assert len(frame) == 4
    assert frame["busbw_gb_s"].isna().sum() == 2
    assert frame.loc[frame["run_id"] != run_id, "busbw_gb_s"].notna().all()


@pytest.mark.parametrize("run_id", ["run-1", "run-2"])
def test_a_file_of_a_newer_schema_reads_beside_old_ones(two_runs: Store, run_id: str) -> None:
    _rewrite(_points(two_runs, run_id), "has one more")
    frame = two_runs.points()
    assert len(frame) == 4
    assert frame["busbw_gb_s"].notna().all()


@pytest.mark.parametrize("kind", ["zero bytes", "no parquet", "cut short", "page", "foreign", "retyped"])
def test_a_bad_file_is_named_and_the_others_are_read(
    two_runs: Store, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = _points(two_runs, "run-1")
    whole = path.read_bytes()
    damage = {"zero bytes": b"", "no parquet": b"hello", "cut short": whole[: len(whole) // 2]}
    if kind in damage:
        path.write_bytes(damage[kind])
    elif kind == "page":  # the footer is sound, the data is not
        path.write_bytes(whole[:4] + b"\xff" * (len(whole) // 4) + whole[4 + len(whole) // 4 :])
    else:
        _rewrite(path, kind)
    with caplog.at_level(logging.WARNING, "commbench.store"):
        frame = two_runs.points()
    assert list(frame["run_id"]) == ["run-2", "run-2"]
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [f"skipped {path}"]


def test_strange_names_are_named(two_runs: Store, caplog: pytest.LogCaptureFixture) -> None:
    strange = [two_runs.path / "points" / "notes.txt", two_runs.path / "points" / "month=2026-03" / "part-0.parquet"]
    strange[0].write_text("a note")
    strange[1].write_bytes(_points(two_runs, "run-1").read_bytes())
    with caplog.at_level(logging.WARNING, "commbench.store"):
        assert len(two_runs.points()) == 4
    assert all(str(path) in caplog.text for path in strange)


def test_a_bad_runs_file_hides_only_its_own_run(two_runs: Store, caplog: pytest.LogCaptureFixture) -> None:
    next(two_runs.path.glob("runs/*/run-2-s0.parquet")).write_bytes(b"")
    assert two_runs.run_ids() == ("run-1",)
    assert "run-2-s0.parquet" in caplog.text
