"""How much is in a store: files, rows and bytes of each dataset and month, from the footers alone."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from commbench.store import layout
from commbench.store.columns import DATASETS
from commbench.store.frames import read_rows
from commbench.store.query import query

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow.parquet as pq

    from commbench.store.medium import Medium

_READERS = 4
_SAMPLES = "time_ns.list.element"  # one value for each timed call of each row


@dataclass(frozen=True, slots=True)
class Total:
    """Files, rows and bytes of one month of a dataset; `samples` are the times in it, 0 elsewhere.

    Unreadable files count with their bytes and are also counted in `unreadable`.
    """

    dataset: str
    month: str
    files: int
    rows: int
    size_bytes: int
    samples: int
    unreadable: int


@dataclass(frozen=True, slots=True)
class Totals:
    """All months of all datasets, oldest first, and the runs: how many, the first and the last start."""

    months: tuple[Total, ...]
    runs: int
    sessions: int
    first: "datetime | None"
    last: "datetime | None"
    cache_bytes: int


def totals(medium: "Medium") -> Totals:
    """Return how much is in the store; a file that cannot be read counts with its bytes only."""
    months = tuple(total for dataset in DATASETS for total in _months(medium, dataset))
    runs = read_rows(medium, query("runs", columns=("run_id", "started_at"))).to_pylist()
    starts = sorted(run["started_at"] for run in runs)
    return Totals(
        months,
        runs=len({run["run_id"] for run in runs}),
        sessions=len(runs),
        first=starts[0] if starts else None,
        last=starts[-1] if starts else None,
        cache_bytes=sum(medium.sizes(layout.CACHE).values()),
    )


def _months(medium: "Medium", dataset: str) -> list[Total]:
    sizes = {key: size for key, size in medium.sizes(dataset).items() if layout.run_of(key)}
    with ThreadPoolExecutor(_READERS) as readers:
        found = dict(zip(sizes, readers.map(lambda key: _rows_and_samples(medium, key), sizes), strict=True))
    months: dict[str, list[str]] = {}
    for key in sizes:
        months.setdefault(layout.month_of(key), []).append(key)
    return [
        Total(
            dataset,
            month,
            files=len(keys),
            rows=sum(each[0] for key in keys if (each := found[key])),
            size_bytes=sum(sizes[key] for key in keys),
            samples=sum(each[1] for key in keys if (each := found[key])),
            unreadable=sum(found[key] is None for key in keys),
        )
        for month, keys in sorted(months.items())
    ]


def _rows_and_samples(medium: "Medium", key: str) -> tuple[int, int] | None:
    try:
        footer = medium.fragment(key).metadata
    except (pa.ArrowException, OSError):
        return None
    return footer.num_rows, sum(_samples(footer.row_group(index)) for index in range(footer.num_row_groups))


def _samples(group: "pq.RowGroupMetaData") -> int:
    columns = (group.column(index) for index in range(group.num_columns))
    return sum(column.num_values for column in columns if column.path_in_schema == _SAMPLES)
