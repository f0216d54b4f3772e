"""Rows as arrow tables, and rows that are ready: published as they are, without a record to make them of."""

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from commbench.errors import StoreError
from commbench.store import layout
from commbench.store.columns import KEYS, SCHEMA_VERSION
from commbench.store.publish import publish_table
from commbench.store.schema import SCHEMAS
from commbench.store.text import storable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from commbench.store.medium import Medium

    Row = Mapping[str, object]

_VERSION = "schema_version"
_SESSION = 0  # of a file: rows that are ready come in one piece


def as_table(dataset: str, rows: "Sequence[Row]") -> pa.Table:
    """Return rows as a table of the dataset's columns; a column that a row lacks is null.

    Raises:
        StoreError: a row has a column that the dataset has not, or a value that its column cannot hold.
    """
    schema = SCHEMAS[dataset]
    unknown = sorted({name for row in rows for name in row} - set(schema.names))
    if unknown:
        words = f"{dataset} has no column {', '.join(unknown)}"
        raise StoreError(f"{words}; docs/store.md lists what it has, and extra_json takes the rest")
    _refuse_fractions(dataset, rows)
    plain = [{name: _plain(value) for name, value in row.items()} for row in rows]
    try:
        return pa.Table.from_pylist(plain, schema=schema)
    except (pa.ArrowException, OverflowError) as error:
        raise StoreError(f"a value does not fit its column in {dataset}: {error}") from error


def append_rows(medium: "Medium", dataset: str, rows: "Sequence[Row]", name: str, at_ns: int) -> None:
    """Publish rows as one file that is called `name`; doing it again with the same rows changes nothing.

    Rows of a run are called by its `run_id`. `at_ns` is Unix time and decides the month that the file lies under;
    `schema_version` is filled in.

    Raises:
        StoreError: there are no rows, a key is null or there twice, a value does not fit, the name cannot be one, or
            other rows have that name already.
        StoreUnavailableError: the store cannot be written.
    """
    has_version = _VERSION in SCHEMAS[dataset].names
    table = as_table(dataset, [{_VERSION: SCHEMA_VERSION, **row} if has_version else row for row in rows])
    _check_keys(dataset, table)
    _check_name(dataset, table, name)
    publish_table(medium, dataset, table, layout.data_key(dataset, name, _SESSION, at_ns))


def _check_keys(dataset: str, table: pa.Table) -> None:
    keys = list(KEYS[dataset])
    if table.num_rows == 0:
        raise StoreError(f"there are no rows for {dataset}; nothing was stored")
    lacking = [key for key in keys if table[key].null_count]
    if lacking:
        raise StoreError(f"rows for {dataset} lack {', '.join(lacking)}, which must be known; nothing was stored")
    rows_of_key = table.group_by(keys).aggregate([([], "count_all")])["count_all"]
    if pc.max(rows_of_key).as_py() > 1:
        raise StoreError(f"rows for {dataset} have the same {', '.join(keys)}; nothing was stored")


def _check_name(dataset: str, table: pa.Table, name: str) -> None:
    """A file's name tells readers what is in it: they open no other."""
    told = {"run_id": name, "session": _SESSION}
    for column in told.keys() & set(table.column_names):
        if pc.any(pc.not_equal(table[column], told[column])).as_py():
            raise StoreError(f"rows for {dataset} have another {column} than {told[column]!r}; nothing was stored")


def _refuse_fractions(dataset: str, rows: "Sequence[Row]") -> None:
    """Arrow would cut them off without a word."""
    for field in SCHEMAS[dataset]:
        is_list = pa.types.is_list(field.type)
        if not pa.types.is_integer(field.type.value_type if is_list else field.type):
            continue
        values = (row.get(field.name) for row in rows)
        if any(isinstance(each, float) for value in values for each in _elements(value)):
            raise StoreError(f"a value does not fit its column in {dataset}: {field.name} takes whole numbers")


def _elements(value: object) -> "Iterable[object]":
    return value if isinstance(value, list | tuple) else (value,)


def _plain(value: object) -> object:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list) and value and isinstance(value[0], str):
        return [_plain(each) for each in value]
    return value
