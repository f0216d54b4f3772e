import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from commbench.store import rows
from commbench.store.columns import DATASETS, KEYS
from commbench.store.schema import SCHEMAS, file_schema, markdown
from commbench.store.tables import tables

from .factory import make_record

DOCS = Path(__file__).parents[3] / "docs" / "store.md"


def test_the_documentation_holds_every_column_up_to_date() -> None:
    assert markdown() in DOCS.read_text(encoding="utf-8"), "replace the tables of docs/store.md by schema.markdown()"


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_column_is_defined_once_and_plainly(dataset: str) -> None:
    columns = DATASETS[dataset]
    assert len({column.name for column in columns}) == len(columns)
    assert all(column.definition and "|" not in column.definition for column in columns)
    assert set(KEYS[dataset]) <= {column.name for column in columns}
    assert all(not pa.types.is_null(column.type) and not pa.types.is_dictionary(column.type) for column in columns)


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_name_that_ends_in_a_unit_has_that_unit(dataset: str) -> None:
    units = {"us": "us", "ns": "ns", "bytes": "bytes", "gb_s": "GB/s", "gbit_s": "Gbit/s"}
    for column in DATASETS[dataset]:
        for suffix, unit in units.items():
            if column.name.endswith(f"_{suffix}"):
                assert column.unit == unit


def test_fields_carry_unit_and_meaning() -> None:
    metadata = SCHEMAS["points"].field("busbw_gb_s").metadata
    assert metadata[b"unit"] == b"GB/s"
    assert b"bus factor" in metadata[b"meaning"]


def test_files_carry_versions_and_content_hash() -> None:
    metadata = file_schema("points", "0.1.0", "ff").metadata
    assert metadata == {b"commbench_version": b"0.1.0", b"schema_version": b"3", b"content_hash": b"ff"}


def test_rows_have_exactly_the_columns() -> None:
    record = make_record()
    assert set(rows.run_row(record)) == set(SCHEMAS["runs"].names)
    assert all(set(row) == set(SCHEMAS["points"].names) for row in rows.point_rows(record))


def test_runs_are_published_last() -> None:
    assert list(tables(make_record())) == ["samples", "ranks", "points", "runs"]


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, commbench.store; print({'pandas', 'pyarrow', 'numpy'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"
