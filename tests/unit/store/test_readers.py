"""What commbench writes, everybody reads: pandas, DuckDB and polars, files of all versions, after a killed writer."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commbench.store.columns import DATASETS, KEYS
from commbench.store.schema import SCHEMAS
from commbench.store.store import Store

from .any_rows import any_rows, fixed_row, publish
from .factory import STARTED_AT_NS, make_point, make_record, make_result
from .readers import ask, by_docs, comparable, plainly

READERS = ("pandas", "duckdb", "polars")
OLD = Path(__file__).parents[2] / "fixtures" / "store_v1" / "results"
DOCS = Path(__file__).parents[3] / "docs" / "store.md"
REFERENCE = Path(__file__).parents[3] / "results" / "reference"
MEASURED = ("points", "samples", "ranks", "runs")  # what every session writes


def _expected(dataset: str, rows: list[dict[str, Any]]) -> list[str]:
    return comparable(pa.Table.from_pylist(rows, schema=SCHEMAS[dataset]), SCHEMAS[dataset], KEYS[dataset])


def _found(reader: str, store: Store, dataset: str) -> list[str]:
    return comparable(by_docs(reader, store.path / dataset), SCHEMAS[dataset], KEYS[dataset])


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("dataset", DATASETS)
def test_every_value_of_every_dataset_is_read(store: Store, dataset: str, reader: str) -> None:
    rows = [fixed_row(dataset, number) for number in range(3)]
    publish(store, dataset, rows)
    assert plainly(reader, store.path / dataset) == 3
    assert _found(reader, store, dataset) == _expected(dataset, rows)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("dataset", DATASETS)
def test_a_column_that_was_all_null_at_first_takes_values_later(store: Store, dataset: str, reader: str) -> None:
    rows = [fixed_row(dataset, 0, only_keys=True), fixed_row(dataset, 1), fixed_row(dataset, 2, only_keys=True)]
    publish(store, dataset, rows)
    assert plainly(reader, store.path / dataset) == 3
    assert _found(reader, store, dataset) == _expected(dataset, rows)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
@pytest.mark.parametrize("dataset", DATASETS)
def test_whatever_a_column_can_hold_is_read_back_equal(
    tmp_path_factory: pytest.TempPathFactory, dataset: str, data: st.DataObject
) -> None:
    rows = data.draw(any_rows(dataset))
    store = Store.open(tmp_path_factory.mktemp("store"), create=True)
    publish(store, dataset, rows)
    publish(store, dataset, rows)
    expected = _expected(dataset, rows)
    for reader in READERS:
        assert _found(reader, store, dataset) == expected, reader


@pytest.fixture(params=["old first", "new first"])
def mixed(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Return a store of version 1 to which today's commbench added a run, in a month before or after."""
    shutil.copytree(OLD, tmp_path / "mixed")
    store = Store.open(tmp_path / "mixed", create=True)
    day_ns = 24 * 3600 * 10**9
    began = STARTED_AT_NS + (400 * day_ns if request.param == "old first" else 0)
    store.append(make_record("new", started_at_ns=began))
    return store


@pytest.mark.parametrize("reader", READERS)
def test_files_of_version_1_are_read_beside_new_ones(mixed: Store, reader: str) -> None:
    for dataset, row_count in {"points": 6, "samples": 18, "runs": 2, "ranks": 4}.items():
        table = by_docs(reader, mixed.path / dataset)
        assert table.num_rows == row_count
        assert set(table.column_names) == {*SCHEMAS[dataset].names, "month"}
    points = by_docs(reader, mixed.path / "points")
    hosts = dict(zip(points["run_id"].to_pylist(), points["hosts"].to_pylist(), strict=True))
    assert hosts.pop("new") == ["node-a"]
    assert list(hosts.values()) == [None]


def test_the_store_reads_version_1_beside_new_files(mixed: Store) -> None:
    points, runs = mixed.points(), mixed.runs()
    assert set(points["schema_version"]) == set(runs["schema_version"]) == {1, 3}
    assert list(points.columns) == SCHEMAS["points"].names
    old = points[points["schema_version"] == 1]
    assert sorted(old["status"]) == ["ok", "ok", "ok", "wrong_result"]
    assert old["latency_worst5_mean_us"].isna().all()
    assert old["latency_p50_us"].between(1, 100).all()
    assert len(mixed.samples(mixed.resolve_run("2026"))) == 12
    assert len(mixed.ranks()) == 4


def test_no_column_of_version_1_was_renamed_retyped_or_moved() -> None:
    for file in OLD.glob("*/*/*.parquet"):
        dataset, old = file.relative_to(OLD).parts[0], pq.read_schema(file)
        today = SCHEMAS[dataset]
        assert today.names[: len(old.names)] == old.names
        assert [str(today.field(name).type) for name in old.names] == [str(field.type) for field in old]


def test_the_reference_results_are_read() -> None:
    points = Store.open(REFERENCE, create=False).points(status="ok")
    assert len(points) > 0
    assert not points["is_simulated"].any()
    for reader in READERS:
        assert plainly(reader, REFERENCE / "points") >= len(points)


_KILLED = """
import os, sys
sys.path.insert(0, sys.argv[2])
from commbench.store.store import Store
from tests.unit.store.factory import make_record
store = Store.open(sys.argv[1], create=False)
links = []
def link(source, target, really=os.link):
    if len(links) == int(sys.argv[3]):
        os._exit(9)  # as kill -9: nothing is cleaned up
    links.append(target)
    really(source, target)
os.link = link
store.append(make_record("killed"))
"""


@pytest.mark.parametrize("files_published", [0, 2])
@pytest.mark.parametrize("reader", READERS)
def test_everything_is_read_after_a_writer_was_killed(store: Store, reader: str, files_published: int) -> None:
    store.append(make_record("run-1"))
    before = {dataset: plainly(reader, store.path / dataset) for dataset in MEASURED}
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", _KILLED, str(store.path), str(root), str(files_published)]
    killed = subprocess.run(command, check=False, cwd=root)
    assert killed.returncode == 9
    assert len(list((store.path / "_staging").iterdir())) == 1
    after = {dataset: plainly(reader, store.path / dataset) for dataset in MEASURED}
    whole = [dataset for dataset in MEASURED if after[dataset] == 2 * before[dataset]]
    assert len(whole) == files_published
    assert [dataset for dataset in MEASURED if after[dataset] == before[dataset]] == [
        dataset for dataset in MEASURED if dataset not in whole
    ]
    assert list(store.runs()["run_id"]) == ["run-1"]  # its row is written last


_CODE = re.compile(r"^```(python|sql)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def test_the_code_in_the_documentation_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = make_result(make_point(0, requested_bytes=8))
    Store.open("results", create=True).append(make_record("run-1", result))
    blocks = _CODE.findall(DOCS.read_text(encoding="utf-8"))
    assert {language for language, _ in blocks} == {"python", "sql"}
    names: dict[str, Any] = {}
    for language, code in blocks:
        if language == "python":
            exec(code, names)
        else:
            assert ask(code).fetchall()


def test_the_p99_of_the_documentation_is_right_within_one_percent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    store = Store.open("results", create=True)
    for number in range(2):
        result = make_result(make_point(number, requested_bytes=8))
        store.append(make_record(f"run-{number}", result))
    (sql,) = (code for language, code in _CODE.findall(DOCS.read_text()) if "latency_p99_us FROM" in code)
    ((found,),) = ask(sql).fetchall()
    slowest = np.max(store.points()["latency_max_us"])  # of ten calls the p99 is the slowest
    assert found == pytest.approx(slowest, rel=0.0101)
