"""Read a dataset's files as one table; a file that cannot be read is named in a warning and left out."""

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.dataset as ds

from commbench.store import layout
from commbench.store.columns import KEYS
from commbench.store.schema import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from commbench.store.medium import Medium
    from commbench.store.query import Query

_LOG = logging.getLogger("commbench.store")
_FORMAT = ds.ParquetFileFormat()
_OPENERS = 4  # a footer is parsed outside of Python's lock, and a bucket answers slowly


def read_table(medium: "Medium", query: "Query", keys: "Iterable[str]") -> pa.Table:
    """Return the rows of the files under the schema of today, in the order of the files.

    Columns that a file lacks are null, columns unknown to this version are left out.
    """
    schema = SCHEMAS[query.dataset]
    names = list(keys)
    with ThreadPoolExecutor(_OPENERS) as openers:
        opened = openers.map(lambda key: _open(medium, query.dataset, key), names)
        fragments = {
            medium.name(key): fragment for key, fragment in zip(names, opened, strict=True) if fragment is not None
        }
    try:
        return _scan(list(fragments.values()), schema, query)
    except (pa.ArrowException, OSError):  # some file has a sound footer and damaged pages: find out which
        return _scan_one_by_one(fragments, schema, query)


def _open(medium: "Medium", dataset: str, key: str) -> "ds.ParquetFileFragment | None":
    fragment, fault = None, ""
    if layout.run_of(key) is None:
        fault = "its name is not <run_id>-s<session>.parquet below a month= folder; move it out of the store"
    else:
        try:
            fragment = medium.fragment(key)
            missing = [each for each in KEYS[dataset] if each not in fragment.physical_schema.names]
            fault = f"it lacks the columns {', '.join(missing)}, so commbench did not write it" if missing else ""
        except (pa.ArrowException, OSError) as error:
            fault = _damaged(error)
    if fault:
        _LOG.warning("skipped %s: %s", medium.name(key), fault)
    return None if fault else fragment


def _damaged(error: Exception) -> str:
    return f"it is damaged ({error}); restore it from a backup or remove it"


def _scan(fragments: "list[ds.ParquetFileFragment]", schema: pa.Schema, query: "Query") -> pa.Table:
    dataset = ds.FileSystemDataset(fragments, schema, _FORMAT)
    columns = None if query.columns is None else list(query.columns)
    return dataset.to_table(columns=columns, filter=query.where).replace_schema_metadata(None)


def _scan_one_by_one(fragments: "dict[str, ds.ParquetFileFragment]", schema: pa.Schema, query: "Query") -> pa.Table:
    tables = [_scan([], schema, query)]
    for name, fragment in fragments.items():
        try:
            tables.append(_scan([fragment], schema, query))
        except (pa.ArrowException, OSError) as error:
            _LOG.warning("skipped %s: %s", name, _damaged(error))
    return pa.concat_tables(tables)
