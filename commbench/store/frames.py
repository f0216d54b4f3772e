"""Answer a query as a frame: from the monthly copy that holds exactly the files of its month, else from the files."""

from typing import TYPE_CHECKING

import pyarrow as pa

from commbench.store import copies
from commbench.store.read import read_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from commbench.store.medium import Medium
    from commbench.store.query import Query


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
    there = set(medium.keys(copies.folder_of(query.dataset)))
    waiting: list[str] = []
    for month, sizes in copies.months(medium.sizes(query.dataset)).items():
        keys = [key for key in sizes if query.keeps(key)]
        copy = copies.copy_key(query.dataset, month, sizes)
        table = copies.read_copy(medium, query, copy) if keys and copy in there else None
        if table is None:
            waiting += keys
            continue
        yield read_table(medium, query, waiting)
        yield table
        waiting = []
    yield read_table(medium, query, waiting)
