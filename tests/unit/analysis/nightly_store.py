"""A small store of nights: 24 series of two fabrics with 1 % noise, to plant things into."""

import datetime as dt
import json
from collections.abc import Callable
from itertools import product

import numpy as np
import pandas as pd

from commbench.store.incident_columns import INCIDENTS

SERIES = tuple(product(("ib", "roce"), ("all_reduce", "all_gather"), (2, 4), (8, 1024, 1 << 20)))
FIRST = dt.datetime(2026, 3, 1, 2, tzinfo=dt.UTC)
HOSTS = tuple(f"node{number}" for number in range(8))

# What is planted: the factor of the time of a series (fabric, collective, nodes, size) on a night with hosts.
Plant = Callable[[int, tuple[str, str, int, int], tuple[str, ...]], float]


def nothing(_night: int, _series: tuple[str, str, int, int], _hosts: tuple[str, ...]) -> float:
    """Plant nothing."""
    return 1.0


def series_id(series: tuple[str, str, int, int]) -> str:
    """Return the series_id of a series."""
    return f"{SERIES.index(series):016x}"


class Nights:
    """Nights of the small store: `points` and `runs` grow as nights and re-runs are added."""

    def __init__(self, plant: Plant = nothing, *, noise: float = 0.01, rotate: bool = False, seed: int = 7) -> None:
        self._plant, self._noise, self._rotate = plant, noise, rotate
        self._rng = np.random.default_rng(seed)
        self.points, self.runs = pd.DataFrame(), pd.DataFrame()
        self.environment: dict[str, object] = {"kernel": "6.1", "nccl_version": "2.28"}

    def add(self, *nights: int) -> "Nights":
        """Measure all series on some nights."""
        for night in nights:
            self._measure(night, "nightly", list(SERIES), FIRST + dt.timedelta(days=night))
        return self

    def confirm(self, night: int, ids: list[str], times: int = 2, plant: Plant | None = None) -> "Nights":
        """Measure series again on a night."""
        kept, self._plant = self._plant, plant or self._plant
        chosen = [series for series in SERIES if series_id(series) in ids]
        for time in range(times):
            self._measure(night, "confirm", chosen, FIRST + dt.timedelta(days=night, hours=1 + time))
        self._plant = kept
        return self

    def _measure(self, night: int, purpose: str, chosen: list[tuple[str, str, int, int]], at: dt.datetime) -> None:
        run = f"{purpose}-{night:03d}-{len(self.runs):04d}"
        used = {nodes: self._hosts(nodes) for nodes in (2, 4)}
        rows = [self._row(run, purpose, (night, at), (series, used[series[2]])) for series in chosen]
        facts = [{"hostname": host, "ranks": [0], **self.environment} for host in HOSTS]
        session = {
            "run_id": run, "session": 0, "started_at": pd.Timestamp(at), "purpose": purpose, "suite": "s",
            "cluster": "lab", "exit_state": "complete", "reason": "", "hosts": list(HOSTS), "env_id": "e",
            "environment_json": json.dumps({"commbench_version": "1", "hosts": facts}), "evidence_json": "{}",
        }  # fmt: skip
        self.points = pd.concat([self.points, pd.DataFrame(rows)], ignore_index=True)
        self.runs = pd.concat([self.runs, pd.DataFrame([session])], ignore_index=True)

    def _hosts(self, nodes: int) -> tuple[str, ...]:
        if not self._rotate:
            return HOSTS[:nodes]
        return tuple(sorted(self._rng.choice(HOSTS, nodes, replace=False).tolist()))

    def _row(
        self,
        run: str,
        purpose: str,
        when: tuple[int, dt.datetime],
        made: tuple[tuple[str, str, int, int], tuple[str, ...]],
    ) -> dict[str, object]:
        (night, at), (series, hosts) = when, made
        fabric, collective, nodes, size = series
        noise = np.exp(self._rng.normal(0, self._noise, 2))
        latency_us = 50.0 * self._plant(night, series, hosts) * float(noise[0])
        return {
            "run_id": run, "session": 0, "point_id": SERIES.index(series), "attempt": 0,
            "series_id": series_id(series), "started_at": pd.Timestamp(at), "purpose": purpose, "cluster": "lab",
            "collective": collective, "size_bytes": size, "dtype": "float32", "world_size": nodes, "nodes": nodes,
            "in_place": False, "backend": "nccl", "fabric": fabric, "cadence": "isolated", "launch": "host",
            "placement": "", "status": "ok", "error": "", "launch_index": 0, "latency_p50_us": latency_us,
            "latency_p99_us": 1.3 * latency_us, "latency_worst5_mean_us": 1.2 * latency_us * float(noise[1]),
            "busbw_gb_s": 1e3 / latency_us, "busbw_mean_gb_s": 1e3 / latency_us, "hosts_id": ",".join(hosts),
            "hosts": list(hosts), "fabric_verdict": "proven", "fabric_reason": "",
        }  # fmt: skip


def event(name: str, **facts: object) -> pd.DataFrame:
    """Return one row of `incidents`."""
    row: dict[str, object] = {column.name: None for column in INCIDENTS}
    return pd.DataFrame([{**row, "event": name, "incident_id": "i", **facts}])
