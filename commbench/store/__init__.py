"""The parquet store: its columns, how a record gets in once and for ever, and how frames come out.

    import commbench.store

    store = commbench.store.open("results")
    points = store.points(collective="all_reduce", since=datetime(2026, 3, 1, tzinfo=UTC))

Nothing heavy is imported until a store is opened: `commbench --help` must not load pyarrow.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from commbench.store.store import Store


def open(place: "str | os.PathLike[str]") -> "Store":  # noqa: A001 - as gzip.open and shelve.open
    """Return the store at a place, to read from.

    Raises:
        StoreError: there is none, it cannot be read, or a newer commbench wrote it.
    """
    from commbench.store.store import Store

    return Store.open(place, create=False)
