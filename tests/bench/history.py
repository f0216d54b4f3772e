"""Three years of nights as a store: seeded runs written straight through the store's schema, for benchmarks and tests.

What makes files large or slow in reality is here: all columns, histograms, the ten worst calls as JSON, samples of each
rank. Values are random, so nothing compresses better than it does in reality.
"""

import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from commbench import __version__
from commbench.statistics.histogram import LogHistogram
from commbench.store import identity
from commbench.store.column import INT64S
from commbench.store.columns import SCHEMA_VERSION
from commbench.store.layout import data_key
from commbench.store.schema import SCHEMAS, file_schema, write_options

FIRST_NIGHT = datetime(2024, 1, 1, 2, 0, tzinfo=UTC)
DAYS = 3 * 365
COLLECTIVES = ("all_reduce", "all_gather", "reduce_scatter", "broadcast", "all_to_all")
FABRICS = ("roce", "infiniband")
DTYPES = ("float32", "bfloat16")
WORLD_SIZES = (2, 4, 8, 16)
CLUSTER, SUITE = "lab", "nightly"
KEPT_RANKS = 2  # ranks with samples; the size on disk grows in proportion
_POOL = 2_500  # different histograms and lists of worst calls; a night draws each at most once
_WORST = 10
_NS_PER_US = 1_000
_OF_A_TIME = {
    "min": 0.8,
    "mean": 1.1,
    "p50": 1.0,
    "p50_low": 0.97,
    "p50_high": 1.03,
    "p95": 1.6,
    "p99": 2.4,
    "max": 9.0,
}

Floats = np.ndarray[Any, np.dtype[np.float64]]
Columns = dict[str, Any]


@dataclass(frozen=True)
class History:
    """How much there is: nights, points of each, and timed calls of each point."""

    runs: int = 1_000
    points: int = 2_000
    calls: int = 150
    seed: int = 20_260_101
    samples_runs: int | None = None  # only the first nights have samples; None = all

    def night(self, index: int) -> datetime:
        """Return when a run began; the nights are spread evenly over three years."""
        return FIRST_NIGHT + timedelta(days=index * DAYS // max(self.runs, 1))


def write_history(store: Path, history: History, processes: int = 2) -> None:
    """Write the store; what is there already stays, so that an interrupted call can be repeated."""
    store.mkdir(parents=True, exist_ok=True)
    (store / "_format.json").write_text('{"format": 1, "written_by": "commbench"}\n')
    # Not a fork: arrow's threads do not survive it.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        list(pool.map(partial(_write_night, store, history), range(history.runs), chunksize=8))


def series_of(history: History, index: int = 0) -> str:
    """Return the series of the point at a place of every night's plan."""
    return str(_variables(history.points)["series_id"][index])


def _write_night(store: Path, history: History, index: int) -> None:
    rng = np.random.default_rng([history.seed, index])
    night = history.night(index)
    run_id = f"{night:%Y%m%d-%H%M%S}-{index:06x}"
    started_ns = int(night.timestamp()) * 10**9
    write = partial(_write, store, run_id, started_ns)
    p50_us = 20 * rng.lognormal(2, 1, history.points)
    if history.samples_runs is None or index < history.samples_runs:
        write("samples", _samples(history, run_id, rng, p50_us))
    write("ranks", _ranks(history, run_id, rng, p50_us))
    write("points", _points(history, run_id, night, rng, p50_us))
    write("runs", _run(history, run_id, night))


def _write(store: Path, run_id: str, started_ns: int, dataset: str, columns: Columns) -> None:
    final = store / data_key(dataset, run_id, 0, started_ns)
    if final.exists():
        return
    length = len(next(iter(columns.values())))
    table = pa.table([_column(field, columns.get(field.name), length) for field in SCHEMAS[dataset]], SCHEMAS[dataset])
    stamped = table.cast(file_schema(dataset, __version__, identity.content_hash(table)))
    final.parent.mkdir(parents=True, exist_ok=True)
    unfinished = store / f"{dataset}-{run_id}.unfinished"
    pq.write_table(stamped, unfinished, **write_options(dataset))
    unfinished.rename(final)


def _column(field: pa.Field, values: Any, length: int) -> pa.Array:
    if values is None:  # not of interest here: what the column holds where nothing was found out
        values = [""] * length if field.type == pa.string() else pa.nulls(length, field.type)
    return values if isinstance(values, pa.Array) else pa.array(values, field.type)


def _points(history: History, run_id: str, night: datetime, rng: np.random.Generator, p50_us: Floats) -> Columns:
    count = history.points
    started_us = int(night.timestamp()) * 10**6 + np.arange(count) * 300_000
    histograms, worst = _pools(history.seed)
    drawn = pa.array(rng.permutation(max(_POOL, count))[:count] % _POOL)
    busbw = np.asarray(_variables(count)["size_bytes"]) / p50_us / _NS_PER_US
    return {
        **_variables(count),
        **_times(rng, p50_us),
        "schema_version": np.full(count, SCHEMA_VERSION, np.int16),
        "run_id": [run_id] * count,
        "session": np.zeros(count, np.int32),
        "point_id": np.arange(count, dtype=np.int32),
        "attempt": np.zeros(count, np.int16),
        "started_at": pa.array(started_us, pa.timestamp("us", tz="UTC")),
        "purpose": ["nightly"] * count,
        "suite": [SUITE] * count,
        "cluster": [CLUSTER] * count,
        "status": np.where(rng.random(count) < 0.001, "timeout", "ok").tolist(),
        "iterations": np.full(count, history.calls),
        "converged": rng.random(count) < 0.97,
        "worst_calls_json": worst.take(drawn),
        "hist_bin": histograms[0].take(drawn),
        "hist_count": histograms[1].take(drawn),
        "hist_gamma": np.full(count, 1.02),
        "busbw_gb_s": busbw,
        "algbw_gb_s": busbw * 0.6,
        "span_s": rng.random(count),
        "others_share": rng.random(count) * 0.1,
        "first_call_us": rng.random(count) * 1_000,
        "is_simulated": np.ones(count, bool),
        "env_id": [f"{int(night.timestamp()) // 10**7:016x}"] * count,
        "extra_json": ["{}"] * count,
    }


def _times(rng: np.random.Generator, p50_us: Floats) -> Columns:
    kinds = dict.fromkeys(("time", "makespan", "skew"), ("mean", "p50", "p99", "max")) | {"latency": tuple(_OF_A_TIME)}
    columns = {
        f"{kind}_{name}_us": p50_us * _OF_A_TIME[name] * rng.lognormal(0, 0.1, len(p50_us))
        for kind, names in kinds.items()
        for name in names
    }
    return {name: values for name, values in columns.items() if name in SCHEMAS["points"].names}


@cache
def _variables(count: int) -> Columns:
    """Return the independent variables of the points of every night, so many of all combinations."""
    sizes = [2**power for power in range(3, 28)]
    names = ("size_bytes", "collective", "fabric", "dtype", "world_size")
    rows = list(product(sizes, COLLECTIVES, FABRICS, DTYPES, WORLD_SIZES))[:count]
    columns: Columns = {name: [row[index] for row in rows] for index, name in enumerate(names)}
    keys = [json.dumps([CLUSTER, *row]) for row in rows]
    common = {"redop": "sum", "backend": "simulated", "cadence": "isolated", "launch": "host", "stopping": "fixed"}
    return {
        **columns,
        **{name: [value] * len(rows) for name, value in common.items()},
        "requested_bytes": columns["size_bytes"],
        "count": [size // 4 for size in columns["size_bytes"]],
        "nodes": columns["world_size"],
        "ranks_per_node": [1] * len(rows),
        "in_place": [True] * len(rows),
        "series_id": [identity.env_id(key) for key in keys],
    }


@cache
def _pools(seed: int) -> tuple[tuple[pa.Array, pa.Array], pa.Array]:
    rng = np.random.default_rng(seed)
    scales = 20_000 * rng.lognormal(2, 1, _POOL)
    histograms = [LogHistogram.from_ns((scale * rng.lognormal(0, 0.15, 300)).astype(np.int64)) for scale in scales]
    bins = pa.array([list(each.bins) for each in histograms], INT64S)
    counts = pa.array([list(each.counts) for each in histograms], INT64S)
    return (bins, counts), pa.array([_worst_calls(rng) for _ in range(_POOL)])


def _worst_calls(rng: np.random.Generator) -> str:
    calls = [
        {
            "call": int(rng.integers(0, 300)),
            "latency_us": float(round(rng.lognormal(7, 1), 3)),
            "unix_ns": int(1_795_267_995 * 10**9 + rng.integers(0, 10**9)),
            "blame": f"host: rank {rng.integers(0, 2)} was runnable but not running for {rng.integers(100, 999)} us",
            "enter_ns": rng.integers(0, 50_000, 2).tolist(),
            "exit_ns": rng.integers(4_000_000, 8_000_000, 2).tolist(),
        }
        for _ in range(_WORST)
    ]
    return json.dumps(calls)


def _samples(history: History, run_id: str, rng: np.random.Generator, p50_us: Floats) -> Columns:
    rows_each, calls = KEPT_RANKS + 1, history.calls  # the whole calls come first, as rank -1
    rows = history.points * rows_each
    scale = p50_us[:, None, None] * _NS_PER_US
    times = (scale * rng.lognormal(0, 0.15, (history.points, KEPT_RANKS, calls))).astype(np.int64)
    all_times = np.concatenate([times.max(axis=1, keepdims=True), times], axis=1)
    gaps = times.max(axis=1, keepdims=True) + rng.integers(0, 2_000, times.shape)
    enters = np.cumsum(gaps, axis=2)
    enter_lengths = np.tile([0, *[calls] * KEPT_RANKS], history.points)
    return {
        "run_id": [run_id] * rows,
        "session": np.zeros(rows, np.int32),
        "point_id": np.repeat(np.arange(history.points, dtype=np.int32), rows_each),
        "attempt": np.zeros(rows, np.int16),
        "rank": np.tile(np.arange(-1, KEPT_RANKS, dtype=np.int32), history.points),
        "host": [None, *(f"node-{rank}" for rank in range(KEPT_RANKS))] * history.points,
        "time_ns": _lists(all_times, np.full(rows, calls)),
        "enter_ns": _lists(enters, enter_lengths),
        "hist_bin": pa.array([[]] * rows, INT64S),
        "hist_count": pa.array([[]] * rows, INT64S),
    }


def _ranks(history: History, run_id: str, rng: np.random.Generator, p50_us: Floats) -> Columns:
    rows = history.points * KEPT_RANKS
    bins, counts = _pools(history.seed)[0]
    drawn = pa.array(rng.integers(0, _POOL, rows))
    times = {
        f"time_{name}_us": np.repeat(p50_us, KEPT_RANKS) * _OF_A_TIME[name] * rng.lognormal(0, 0.1, rows)
        for name in ("min", "p50", "p99", "max")
    }
    return {
        **times,
        "schema_version": np.full(rows, SCHEMA_VERSION, np.int16),
        "run_id": [run_id] * rows,
        "session": np.zeros(rows, np.int32),
        "point_id": np.repeat(np.arange(history.points, dtype=np.int32), KEPT_RANKS),
        "attempt": np.zeros(rows, np.int16),
        "rank": np.tile(np.arange(KEPT_RANKS, dtype=np.int32), history.points),
        "host": [f"node-{rank}" for rank in range(KEPT_RANKS)] * history.points,
        "iterations": np.full(rows, history.calls),
        "last_share": rng.random(rows),
        "hist_bin": bins.take(drawn),
        "hist_count": counts.take(drawn),
        "hist_gamma": np.full(rows, 1.02),
    }


def _lists(values: np.ndarray[Any, np.dtype[np.int64]], lengths: np.ndarray[Any, Any]) -> pa.ListArray:
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values.ravel()), type=INT64S)


def _run(history: History, run_id: str, night: datetime) -> Columns:
    facts = {"hosts": [{"hostname": f"node-{index}", "variables": {"NCCL_DEBUG": "INFO"}} for index in range(16)]}
    row = {
        "schema_version": SCHEMA_VERSION,
        "run_id": run_id,
        "session": 0,
        "started_at": night,
        "ended_at": night + timedelta(minutes=20),
        "suite": SUITE,
        "purpose": "nightly",
        "cluster": CLUSTER,
        "backend": "simulated",
        "world_size": max(WORLD_SIZES),
        "launcher": "slurm",
        "argv": ["commbench", "run", SUITE],
        "exit_state": "complete",
        "points_planned": history.points,
        "points_final": history.points,
        "hosts": [f"node-{index}" for index in range(16)],
        "environment_json": json.dumps(facts),
    }
    return {name: [value] for name, value in row.items()}
