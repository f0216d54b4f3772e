"""Handmade frames as the store gives them; times in microseconds follow from the size alone."""

import json
from typing import Any

import pandas as pd

from commbench.store.columns import POINTS, RUNS

STARTED = pd.Timestamp("2026-01-02T03:04:05.678901Z")


def point(point_id: int = 0, **changes: Any) -> dict[str, Any]:
    size_bytes = changes.get("size_bytes", 1024)
    p50_us = changes.get("latency_p50_us", 10.0 + size_bytes / 1000)
    algbw = size_bytes / p50_us / 1e3
    row: dict[str, Any] = {
        "schema_version": 1,
        "run_id": "run-a",
        "session": 0,
        "point_id": point_id,
        "attempt": 0,
        "series_id": "0123456789abcdef",
        "started_at": STARTED,
        "purpose": "adhoc",
        "suite": "smoke",
        "cluster": "lab",
        "collective": "all_reduce",
        "size_bytes": size_bytes,
        "dtype": "float32",
        "redop": "sum",
        "world_size": 2,
        "nodes": 1,
        "ranks_per_node": 2,
        "in_place": True,
        "backend": "gloo",
        "fabric": "auto",
        "cadence": "isolated",
        "launch": "host",
        "traffic_skew": 0.0,
        "requested_bytes": size_bytes,
        "count": size_bytes // 4,
        "status": "ok",
        "error": "",
        "wrong_count": 0,
        "iterations": 500,
        "warmup_iterations": 5,
        "visits": 3,
        "stopping": "fixed",
        "converged": True,
        "latency_min_us": p50_us * 0.9,
        "time_mean_us": p50_us * 1.1,
        "latency_p50_us": p50_us,
        "latency_p95_us": p50_us * 1.5,
        "latency_p99_us": p50_us * 2,
        "latency_max_us": p50_us * 3,
        "time_std_us": p50_us * 0.1,
        "algbw_gb_s": algbw,
        "busbw_gb_s": algbw,
        "algbw_mean_gb_s": algbw / 1.1,
        "busbw_mean_gb_s": algbw / 1.1,
        "first_call_us": p50_us * 20,
        "timer": "monotonic",
        "timer_resolution_ns": 1.0,
        "is_simulated": False,
        "hosts_id": "h",
        "env_id": "e",
        "commbench_version": "0.1.0",
        "commbench_commit": "abc",
        "torch_version": "2.13.0",
        "nccl_version": "",
        "driver_version": "",
        "algorithm": "",
        "protocol": "",
        "extra_json": "{}",
    }
    return row | changes


def lost(point_id: int, status: str, error: str, **changes: Any) -> dict[str, Any]:
    """A point without a single timed call."""
    numbers = [
        column.name
        for column in POINTS
        if column.name.startswith(("time_", "latency_", "algbw_", "busbw_", "first_call_", "wrong_count"))
    ]
    row = point(point_id, status=status, error=error, iterations=0, converged=False, **changes)
    return row | dict.fromkeys(numbers)


def frame(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=[column.name for column in POINTS])


def mixed() -> pd.DataFrame:
    """One point of each kind of ending, in two collectives."""
    said = "4 wrong elements before timing; the first on rank 1 at index 17: expected 3, got 5"
    wrong = {"wrong_count": 4, "wrong_rank": 1, "wrong_index": 17, "wrong_expected": 3.0, "wrong_got": 5.0}
    gather = {"collective": "all_gather", "redop": "none", "in_place": False, "world_size": 4}
    return frame(
        point(0, size_bytes=64, latency_p50_us=8.25),
        point(1, size_bytes=64 * 2**20),
        point(2, size_bytes=4096, status="wrong_result", error=said, **wrong),
        lost(3, "skipped", "4096 MiB of buffers do not fit the 1024 MiB that are available here", size_bytes=4 * 2**30),
        lost(4, "timeout", "rank 3 on node|7 entered call 12 and never left it", size_bytes=1024, **gather),
        lost(5, "error", "rank 1:\n\x1b[31mConnection <closed> by peer", size_bytes=2048, **gather),
        point(6, size_bytes=8192, status="wrong_result", **wrong),  # as an import has it, without a sentence
        point(7, size_bytes=0, wrong_count=None, **gather),
    )


def environment_json(hostname: str = "node0") -> str:
    host = {
        "hostname": hostname,
        "ranks": [0, 1],
        "cpu_model": "Example CPU",
        "cpu_count": 8,
        "memory_bytes": 16 * 2**30,
        "gpus": [],
        "torch_version": "2.13.0",
        "nccl_library": "/usr/lib/libnccl.so.2",
        "variables": {"NCCL_IB_HCA": "mlx5_0"},
    }
    facts = {"commbench_version": "0.1.0", "commbench_commit": "abc", "hosts": [host]}
    return json.dumps(facts, sort_keys=True)


def run(**changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "schema_version": 1,
        "run_id": "run-a",
        "session": 0,
        "started_at": STARTED,
        "ended_at": STARTED + pd.Timedelta(seconds=75),
        "suite": "smoke",
        "suite_hash": "s",
        "suite_toml": '[suite]\nname = "smoke"\n',
        "purpose": "adhoc",
        "cluster": "lab",
        "backend": "gloo",
        "world_size": 4,
        "launcher": "local",
        "argv": ["commbench", "run", "smoke"],
        "exit_state": "complete",
        "reason": "",
        "points_planned": 7,
        "points_final": 5,
        "hosts": ["node0"],
        "env_id": "e",
        "environment_json": environment_json(),
        "commbench_version": "0.1.0",
        "commbench_commit": "abc",
    }
    return row | changes


def runs(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=[column.name for column in RUNS])
