"""A laboratory's nights as the frames that a store gives, for what is to be judged through the public seam."""

import datetime as dt
import json

import numpy as np
import pandas as pd

from commbench.analysis.nightly.panel import NO_HOSTS
from commbench.analysis.nightly.rule import LATENCY, TAIL
from tests.truth_regress.generator import SERIES, Lab

FIRST_NIGHT = dt.datetime(2026, 1, 1, 2, tzinfo=dt.UTC)
BUS = 1e6  # busbw times latency, in GB/s times us: any constant


def frames_of(
    lab: Lab, nights: range, repeated: dict[int, set[int]] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return `points` and `runs` of some of the lab's nights with data; `repeated` names series measured again."""
    points, runs = [], []
    for night in nights:
        at = FIRST_NIGHT + dt.timedelta(days=int(lab.dates[night]))
        for place in range(1 + lab.panel.repeats.shape[-1]):
            chosen = range(len(SERIES)) if place == 0 else sorted((repeated or {}).get(night, ()))
            rows = _rows(lab, night, place, at + dt.timedelta(hours=place), chosen)
            if rows or place == 0:
                points += rows
                runs.append(_run(f"n{night:04d}-{place}", place, at + dt.timedelta(hours=place)))
    return pd.DataFrame(points), pd.DataFrame(runs)


def _rows(lab: Lab, night: int, place: int, at: dt.datetime, chosen: "range | list[int]") -> list[dict[str, object]]:
    panel = lab.panel
    values = panel.values[:, night] if place == 0 else panel.repeats[:, night, :, place - 1]
    rows = []
    for series in chosen:
        if not np.isfinite(values[0, series]):
            continue
        fabric, nodes, collective, size = SERIES[series]
        latency_us, tail_us = 100 * np.exp(values[:, series])
        group = int(panel.hosts[night, series, place])
        hosts = [] if group == NO_HOSTS else [panel.host_names[host] for host in np.flatnonzero(panel.host_sets[group])]
        rows.append(
            {
                "run_id": f"n{night:04d}-{place}",
                "session": 0,
                "point_id": series,
                "attempt": 0,
                "series_id": panel.series_ids[series],
                "started_at": pd.Timestamp(at),
                "purpose": "nightly" if place == 0 else "confirm",
                "cluster": "lab",
                "collective": collective,
                "size_bytes": size,
                "dtype": "float32",
                "world_size": nodes * 8,
                "nodes": nodes,
                "in_place": False,
                "backend": "nccl",
                "fabric": fabric,
                "cadence": "isolated",
                "launch": "host",
                "placement": "",
                "status": "ok",
                "error": "",
                "launch_index": 0,
                LATENCY: latency_us,
                "latency_p99_us": 1.2 * latency_us,
                TAIL: tail_us,
                "busbw_gb_s": BUS / latency_us,
                "busbw_mean_gb_s": BUS / latency_us,
                "hosts_id": f"{group:016x}",
                "hosts": hosts,
                "fabric_verdict": "proven",
                "fabric_reason": "",
            }
        )
    return rows


def environment(**facts: object) -> str:
    """Return an `environment_json` of one host with these facts."""
    return json.dumps({"commbench_version": "1", "hosts": [{"hostname": "node00", **facts}]}, sort_keys=True)


def _run(run_id: str, place: int, at: dt.datetime) -> dict[str, object]:
    return {
        "run_id": run_id,
        "session": 0,
        "started_at": pd.Timestamp(at),
        "purpose": "nightly" if place == 0 else "confirm",
        "suite": "nightly",
        "cluster": "lab",
        "exit_state": "complete",
        "reason": "",
        "hosts": ["node00"],
        "env_id": "e",
        "environment_json": environment(kernel="6.1"),
        "evidence_json": "{}",
    }
