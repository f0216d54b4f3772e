"""The rows of `ranks`: how long each rank's calls took, how often it came last, how long it waited for a CPU."""

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from commbench.model.summary import quantile_ns
from commbench.statistics.histogram import GAMMA, LogHistogram
from commbench.store import rows
from commbench.store.columns import SCHEMA_VERSION
from commbench.store.protocol_rows import taken_apart
from commbench.store.schema import SCHEMAS
from commbench.units import NS_PER_US

if TYPE_CHECKING:
    from commbench.model.environment import Environment
    from commbench.model.result import PointResult, Samples
    from commbench.model.run import Record

_ON_GPUS = "nccl"  # the backend whose ranks have a GPU each


def ranks_table(record: "Record") -> pa.Table:
    """Return one row for each rank of each attempt at which calls were timed."""
    gpus = _gpu_of_rank(record.environment) if record.plan.backend == _ON_GPUS else {}
    parts = [
        _point_ranks(record, result, samples, gpus)
        for result in record.results
        if (samples := rows.timed(result)) is not None
    ]
    return pa.concat_tables(parts) if parts else SCHEMAS["ranks"].empty_table()


def _point_ranks(record: "Record", result: "PointResult", samples: "Samples", gpus: dict[int, str]) -> pa.Table:
    ranks, calls = samples.enter_ns.shape
    ordered = np.sort(samples.rank_time_ns, axis=1)
    histograms = [LogHistogram.from_ns(times) for times in ordered]
    last_rank = taken_apart(result, samples).calls.last_rank
    waits = np.zeros_like(samples.enter_ns) if samples.wait_ns is None else samples.wait_ns
    same = {
        "schema_version": SCHEMA_VERSION,
        "run_id": record.session.run_id,
        "session": record.session.session,
        "point_id": result.point.point_id,
        "attempt": result.attempt,
        "iterations": calls,
        "hist_gamma": GAMMA,
    }
    columns = {name: [value] * ranks for name, value in same.items()} | {
        "rank": range(ranks),
        "host": rows.host_of_rank(result, ranks),
        "gpu": [gpus.get(rank, "") for rank in range(ranks)],
        "time_min_us": ordered[:, 0] / NS_PER_US,
        "time_p50_us": [quantile_ns(times, 0.50) / NS_PER_US for times in ordered],
        "time_p99_us": [quantile_ns(times, 0.99) / NS_PER_US for times in ordered],
        "time_max_us": ordered[:, -1] / NS_PER_US,
        "last_share": np.bincount(last_rank, minlength=ranks) / calls,
        "wait_mean_us": waits.mean(axis=1) / NS_PER_US,
        "wait_max_us": waits.max(axis=1) / NS_PER_US,
        "hist_bin": [each.bins for each in histograms],
        "hist_count": [each.counts for each in histograms],
    }
    return pa.Table.from_pydict(columns, schema=SCHEMAS["ranks"])


def _gpu_of_rank(environment: "Environment") -> dict[int, str]:
    """Return the model of each rank's GPU: the ranks of a host take its GPUs in turn (backend/torch_group.py)."""
    return {
        rank: host.gpus[local_rank % len(host.gpus)]
        for host in environment.hosts
        if host.gpus
        for local_rank, rank in enumerate(sorted(host.ranks))
    }
