"""The pitfalls of plain parquet that were reproduced before the store was designed, and that it must keep away from."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from commbench.errors import StoreError
from commbench.store.columns import DATASETS
from commbench.store.ready import as_table
from commbench.store.schema import SCHEMAS
from commbench.store.store import Store

from .any_rows import fixed_row, publish
from .factory import lost_result, make_point, make_record
from .readers import plainly

OLD = Path(__file__).parents[2] / "fixtures" / "store_v1" / "results"
READERS = ("pandas", "duckdb", "polars", "polars folder")

# What writers that are killed, and tools that keep notes, leave behind.
LEFTOVERS = {
    "x.parquet.tmp": b"PAR1 half a file",
    ".x.parquet.tmp": b"PAR1 half a file",
    ".x.parquet": b"PAR1 half a file",
    "_x.parquet": b"PAR1 half a file",
    "notes.json": b"{}",
    "x.parquet": b"",
}


@pytest.mark.parametrize("name", LEFTOVERS)
def test_a_leftover_inside_a_dataset_stops_a_reader_and_where_commbench_leaves_it_none(store: Store, name: str) -> None:
    store.append(make_record("run-1"))
    (store.path / "_staging" / name).write_bytes(LEFTOVERS[name])
    (store.path / "_cache").mkdir()
    (store.path / "_cache" / name).write_bytes(LEFTOVERS[name])
    assert [plainly(reader, store.path / "points") for reader in READERS] == [2, 2, 2, 2]
    (store.path / "points" / "month=2026-03" / name).write_bytes(LEFTOVERS[name])
    assert "stopped" in [_rows_or_stopped(reader, store.path / "points") for reader in READERS]


def _rows_or_stopped(reader: str, root: Path) -> int | str:
    try:
        return plainly(reader, root)
    except Exception:  # noqa: BLE001 - each reader has exceptions of its own
        return "stopped"


def test_nothing_but_finished_parquet_lies_in_a_dataset(store: Store) -> None:
    store.append(make_record("run-1"))
    store.append(make_record("run-1", lost_result(make_point()), session=1))
    for dataset in DATASETS:
        publish(store, dataset, [fixed_row(dataset, 7)])
    for dataset in DATASETS:
        files = [path for path in (store.path / dataset).rglob("*") if path.is_file()]
        assert files
        assert {path.suffix for path in files} == {".parquet"}
        assert all(pq.read_metadata(path).num_columns == len(DATASETS[dataset]) for path in files)
        assert not [path for path in files if path.name.startswith((".", "_"))]


def test_every_file_has_every_column_in_its_one_type(store: Store) -> None:
    store.append(make_record("full"))
    store.append(make_record("empty", lost_result(make_point())))  # no samples, no times: all columns null or absent
    publish(store, "incidents", [fixed_row("incidents", 0, only_keys=True)])
    for path in store.path.glob("*/month=*/*.parquet"):
        dataset = path.relative_to(store.path).parts[0]
        assert pq.read_schema(path).remove_metadata().equals(SCHEMAS[dataset].remove_metadata()), path


def test_no_type_depends_on_the_reader_or_on_the_values() -> None:
    for schema in SCHEMAS.values():
        for field in schema:
            inner = field.type.value_type if pa.types.is_list(field.type) else field.type
            assert not pa.types.is_null(inner)
            assert not pa.types.is_dictionary(inner)
            assert not pa.types.is_large_string(inner)


def test_a_column_has_the_same_type_in_every_dataset_and_version() -> None:
    types: dict[str, set[str]] = {}
    old = {path.relative_to(OLD).parts[0]: pq.read_schema(path) for path in OLD.glob("*/*/*.parquet")}
    for schema in (*SCHEMAS.values(), *old.values()):
        for field in schema:
            types.setdefault(field.name, set()).add(str(field.type))
    assert {name: found for name, found in types.items() if len(found) > 1} == {}


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("size_bytes", 2**63),
        ("size_bytes", 1.5),
        ("size_bytes", "8"),
        ("hist_bin", [1, 0.5]),
        ("attempt", 2**15),
        ("in_place", "yes"),
    ],
)
def test_a_value_of_another_type_is_refused_not_bent(column: str, value: object) -> None:
    with pytest.raises(StoreError, match="does not fit its column in points"):
        as_table("points", [fixed_row("points", 0) | {column: value}])
