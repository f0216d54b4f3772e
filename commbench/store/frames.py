"""Answer a query as a frame: from the monthly copy that holds exactly the files of its month, else from the files."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pyarrow as pa

from commbench.store import copies
from commbench.store.read import read_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pandas as pd

    from commbench.store.medium import Medium
    from commbench.store.query import Query

_READERS = 4  # a copy is read outside of Python's lock, and a bucket answers slowly


def read_frame(medium: "Medium", query: "Query") -> "pd.DataFrame":
    """Return the rows that the query asks for, in the order of the files: by month, run and session."""
    frame: pd.DataFrame = read_rows(medium, query).to_pandas()
    return frame


def read_rows(medium: "Medium", query: "Query") -> pa.Table:
    """Return what `read_frame` does as a table, for those who need no pandas."""
    return pa.concat_tables(_tables(medium, query))


def _tables(medium: "Medium", query: "Query") -> "Iterator[pa.Table]":
    """Yield the rows part by part; files that lie between two copies are read at once."""
    if not copies.help_with(query):
        keys = medium.keys(query.dataset)
        yield read_table(medium, query, (key for key in keys if query.keeps(key)))
        return
    months = copies.months(medium.sizes(query.dataset))
    with ThreadPoolExecutor(_READERS) as readers:
        found = dict(zip(months, readers.map(_copy_reader(medium, query), months.items()), strict=True))
    waiting: list[str] = []
    for month, sizes in months.items():
        table = found[month]
        if table is None:
            waiting += filter(query.keeps, sizes)
            continue
        if waiting:
            yield read_table(medium, query, waiting)
        yield table
        waiting = []
    yield read_table(medium, query, waiting)


def _copy_reader(medium: "Medium", query: "Query") -> "Callable[[tuple[str, Mapping[str, int]]], pa.Table | None]":
    there = set(medium.keys(copies.folder_of(query.dataset)))

    def read(files_of_month: "tuple[str, Mapping[str, int]]") -> pa.Table | None:
        month, sizes = files_of_month
        key = copies.copy_key(query.dataset, month, sizes)
        return copies.read_copy(medium, query, key) if key in there and any(map(query.keeps, sizes)) else None

    return read
