"""Monthly copies: what a month's files hold, in one file that is quick to search.

    <store>/_cache/<dataset>/<YYYY-MM>-<digest>.parquet

The digest is made of the names and sizes of the files that the copy was made of, and of today's columns. Published
files never change, so a copy under the digest of the files that are there holds exactly those: a file more or less, or
a commbench with other columns, asks for another name, and the copy is out of use without anyone telling it. A copy is
never changed either. Its rows are ordered by series, so that statistics of row groups tell where a series is not.
"""

import json
import logging
from hashlib import blake2b
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.dataset as ds

from commbench.store import layout
from commbench.store.schema import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from commbench.store.medium import Medium
    from commbench.store.query import Query

_LOG = logging.getLogger("commbench.store")

FORMAT = 1  # of a copy: raise it when rows are ordered or stored in another way
COPIED = ("points", "runs")  # samples are read a run at a time, which one file serves best
ORDER = pa.field("_order", pa.int64())  # place of the row among the month's files: results come in that order
SOURCES_KEY = b"commbench_sources"  # file metadata: JSON list of key, size and content hash of the files copied
_DIGEST_BYTES = 8
_FORMAT = ds.ParquetFileFormat()


def folder_of(dataset: str) -> str:
    """Return where the copies of a dataset lie, outside of the dataset itself."""
    return f"{layout.CACHE}/{dataset}"


def months(sizes: "Mapping[str, int]") -> dict[str, dict[str, int]]:
    """Return the files, with their sizes in bytes, of each month; foreign files, which no copy holds, first as ''."""
    grouped: dict[str, dict[str, int]] = {}
    for key, size_bytes in sizes.items():
        month = layout.month_of(key) if layout.run_of(key) else ""
        grouped.setdefault(month, {})[key] = size_bytes
    return dict(sorted(grouped.items()))


def copy_key(dataset: str, month: str, sizes: "Mapping[str, int]") -> str:
    """Return the key of the copy that holds exactly these files of a month under today's columns."""
    columns = [f"{field.name}:{field.type}" for field in SCHEMAS[dataset]]
    text = json.dumps([FORMAT, columns, sorted(sizes.items())])
    digest = blake2b(text.encode(), digest_size=_DIGEST_BYTES).hexdigest()
    return f"{folder_of(dataset)}/{month}-{digest}.parquet"


def month_of(key: str) -> str:
    """Return the month that the key of a copy tells, such as `2026-03`."""
    return key.rpartition("/")[2][: len("YYYY-MM")]


def help_with(query: "Query") -> bool:
    """Return whether copies can answer sooner than files: not for one run, nor when everything is read anyway."""
    reads_everything = query.columns is None and query.where is None
    return query.dataset in COPIED and query.run_id is None and not reads_everything


def read_copy(medium: "Medium", query: "Query", key: str) -> pa.Table | None:
    """Return a month's rows as its files would give them, or None when the copy cannot be read: then read those."""
    schema = SCHEMAS[query.dataset]
    names = list(schema.names if query.columns is None else query.columns)
    try:
        copy = ds.FileSystemDataset([medium.fragment(key)], schema.append(ORDER), _FORMAT)
        rows = copy.to_table(columns=[*names, ORDER.name], filter=query.where)
        return rows.sort_by(ORDER.name).drop_columns(ORDER.name).replace_schema_metadata(None)
    except FileNotFoundError:  # a newer copy has just taken its place
        return None
    except (pa.ArrowException, OSError) as error:
        _LOG.warning("%s is damaged (%s), so the files that it copies are read; remove it", medium.name(key), error)
        return None
