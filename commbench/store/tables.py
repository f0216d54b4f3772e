"""A record as the arrow tables that its session adds to the store."""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from commbench.errors import StoreError
from commbench.statistics.histogram import LogHistogram
from commbench.store import rows
from commbench.store.column import INT64S
from commbench.store.rank_rows import ranks_table
from commbench.store.ready import as_table
from commbench.store.schema import SCHEMAS

if TYPE_CHECKING:
    from commbench.model.result import PointResult, Samples
    from commbench.model.run import Record

# Stamps of one point up to which every rank's are kept exactly: 1,000 ranks x 1,000 calls, some 2 MB as parquet.
EXACT_STAMPS = 2**20
WHOLE_CALL = -1  # the rank of the row that holds the maximum over ranks


def tables(record: "Record") -> dict[str, pa.Table]:
    """Return one table for each dataset, in the order in which they are published.

    `runs` comes last: its row promises that the session's other files are there.

    Raises:
        StoreError: the record holds the same attempt at a point twice, or a value that its column cannot hold.
    """
    _check_attempts(record)
    try:
        return {
            "samples": _samples_table(record),
            "ranks": ranks_table(record),
            "points": as_table("points", rows.point_rows(record)),
            "runs": as_table("runs", [rows.run_row(record)]),
        }
    except (pa.ArrowException, OverflowError, StoreError) as error:
        raise StoreError(f"run {record.session.run_id} does not fit the store's columns: {error}") from error


def _check_attempts(record: "Record") -> None:
    seen = set()
    for result in record.results:
        key = (result.point.point_id, result.attempt)
        if key in seen:
            raise StoreError(
                f"run {record.session.run_id} holds attempt {key[1]} at point {key[0]} twice; nothing was stored"
            )
        seen.add(key)


def _samples_table(record: "Record") -> pa.Table:
    schema = SCHEMAS["samples"]
    parts = [
        _point_samples(record, result, samples)
        for result in record.results
        if (samples := rows.timed(result)) is not None
    ]
    return pa.concat_tables(parts) if parts else schema.empty_table()


def _point_samples(record: "Record", result: "PointResult", samples: "Samples") -> pa.Table:
    """Return the row of the whole calls, always exact, and one a rank: exact, or a histogram above the limit."""
    ranks, calls = samples.enter_ns.shape
    session = record.session
    is_exact = samples.enter_ns.size <= EXACT_STAMPS
    kept = calls if is_exact else 0
    rank_times, enters = samples.rank_time_ns[:, :kept], samples.enter_ns[:, :kept]
    histograms = [] if is_exact else [LogHistogram.from_ns(times) for times in samples.rank_time_ns]
    none: list[list[int]] = [[]] * (ranks + 1 - len(histograms))
    columns = {
        "run_id": [session.run_id] * (ranks + 1),
        "session": [session.session] * (ranks + 1),
        "point_id": [result.point.point_id] * (ranks + 1),
        "attempt": [result.attempt] * (ranks + 1),
        "rank": [WHOLE_CALL, *range(ranks)],
        "host": [None, *rows.host_of_rank(result, ranks)],
        "time_ns": _lists(np.concatenate([samples.time_ns, rank_times.ravel()]), [calls, *[kept] * ranks]),
        "enter_ns": _lists(enters.ravel(), [0, *[kept] * ranks]),
        "hist_bin": pa.array([*none, *(list(each.bins) for each in histograms)], INT64S),
        "hist_count": pa.array([*none, *(list(each.counts) for each in histograms)], INT64S),
    }
    return pa.Table.from_pydict(columns, schema=SCHEMAS["samples"])


def _lists(values: "np.ndarray[tuple[int, ...], np.dtype[np.int64]]", lengths: list[int]) -> pa.ListArray:
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values, pa.int64()), type=INT64S)
