"""Make the monthly copies that keep reads fast for years; published files are never touched."""

import io
import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from commbench.errors import StoreError
from commbench.store import copies
from commbench.store.query import Query
from commbench.store.read import read_table
from commbench.store.schema import SCHEMAS, write_options
from commbench.store.verify import Verified, verify

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from commbench.store.medium import Medium

# A series reads one row group of every month; smaller ones make footers larger than what they save (docs/store.md).
_GROUP_ROWS = 4_096
_MOST_ROWS = 2**32  # of a file: its place in the month and the row's place in it make one number to sort by
_ROWS_AT_ONCE = 100_000  # sorted in memory at once: some 0.5 GB of points with their worst calls
# What reads are narrowed by; statistics of all columns would make a footer of 0.5 MB.
_NARROWED_BY = ("series_id", "collective", "fabric", "cluster", "suite", "size_bytes", "status", "started_at", "run_id")
_SORTED_BY = {"points": "series_id", "runs": "run_id"}


@dataclass(frozen=True, slots=True)
class Compaction:
    """What became of one month of a dataset: built, current (was there already) or left (and why)."""

    dataset: str
    month: str
    files: int
    state: str
    why: str = ""
    size_bytes: int = 0


def compact(medium: "Medium") -> "Iterator[Compaction]":
    """Copy every month whose files are not held by a copy, drop copies out of use, and tell what was done.

    A month with a damaged file is left as it is, so that reads go on to name that file. Any number of processes may
    write, read and compact meanwhile.

    Raises:
        StoreUnavailableError: the store cannot be written.
    """
    for dataset in copies.COPIED:
        months = copies.months(medium.sizes(dataset))
        months.pop("", None)  # foreign files
        for month, sizes in months.items():
            yield _compact_month(medium, dataset, month, sizes)
        for key in medium.keys(copies.folder_of(dataset)):
            if copies.month_of(key) not in months:
                medium.delete(key)


def _compact_month(medium: "Medium", dataset: str, month: str, sizes: "Mapping[str, int]") -> Compaction:
    key = copies.copy_key(dataset, month, sizes)
    there = [each for each in medium.keys(copies.folder_of(dataset)) if copies.month_of(each) == month]
    done, data = Compaction(dataset, month, len(sizes), "current"), b""
    if key not in there:
        try:
            data = _copy(medium, dataset, sizes)
        except (StoreError, FileNotFoundError) as error:
            return Compaction(dataset, month, len(sizes), "left", str(error))
        medium.put(key, data)
        done = Compaction(dataset, month, len(sizes), "built", size_bytes=len(data))
    for each in there:
        if each != key:
            medium.delete(each)
    return done


def _copy(medium: "Medium", dataset: str, sizes: "Mapping[str, int]") -> bytes:
    found = {key: _verified(medium, dataset, key) for key in sizes}
    sources = [(key, size_bytes, found[key].content_hash) for key, size_bytes in sorted(sizes.items())]
    schema = SCHEMAS[dataset].append(copies.ORDER).with_metadata({copies.SOURCES_KEY: json.dumps(sources).encode()})
    options = write_options(dataset) | {"write_statistics": [name for name in _NARROWED_BY if name in schema.names]}
    sink, written = io.BytesIO(), 0
    with pq.ParquetWriter(sink, schema, **options) as writer:
        for part in _parts(medium, dataset, sizes):
            rows = pa.concat_tables(_rows(medium, dataset, key, place, part) for place, key in enumerate(sizes))
            rows = rows.sort_by([(_SORTED_BY[dataset], "ascending"), (copies.ORDER.name, "ascending")])
            writer.write_table(rows.cast(schema), row_group_size=_GROUP_ROWS)
            written += len(rows)
    if written != sum(each.rows for each in found.values()):
        raise StoreError("files came or went while they were copied; compact again")
    return sink.getvalue()


def _verified(medium: "Medium", dataset: str, key: str) -> Verified:
    try:
        return verify(medium, dataset, key)
    except StoreError as error:
        raise StoreError(f"{medium.name(key)}: {error}") from error


def _parts(medium: "Medium", dataset: str, sizes: "Mapping[str, int]") -> "list[tuple[str, str | None]]":
    """Return ranges of the column to sort by, from a value to before another; each is sorted in memory at once."""
    name = _SORTED_BY[dataset]
    counts = Counter(pc.fill_null(read_table(medium, Query(dataset, [name]), sizes)[name], "").to_pylist())
    bounds, rows = [""], 0
    for value in sorted(counts):
        if rows and rows + counts[value] > _ROWS_AT_ONCE:
            bounds.append(value)
            rows = 0
        rows += counts[value]
    return list(zip(bounds, [*bounds[1:], None], strict=True))


def _rows(medium: "Medium", dataset: str, key: str, place: int, part: "tuple[str, str | None]") -> pa.Table:
    rows = read_table(medium, Query(dataset), [key])
    first = place * _MOST_ROWS
    rows = rows.append_column(copies.ORDER, pa.array(range(first, first + len(rows)), copies.ORDER.type))
    sorted_by, (low, high) = pc.fill_null(rows[_SORTED_BY[dataset]], ""), part
    inside = pc.greater_equal(sorted_by, low)
    return rows.filter(inside if high is None else pc.and_(inside, pc.less(sorted_by, high)))
