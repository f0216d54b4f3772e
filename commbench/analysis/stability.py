"""How far the numbers of a run can be trusted: what disturbed it, in figures."""

import json
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, slots=True)
class Stability:
    """What made a run unstable; None and 0 where it is not known.

    `others_share` is the median share of rank 0's host that others used, `ranks_per_core` that of the fullest host,
    `launch_spread` the widest range of launches' p50 as a share of their median.
    """

    others_share: float | None
    ranks_per_core: float
    launch_spread: float
    converged: bool
    is_steady: bool


def stability(points: pd.DataFrame, runs: pd.DataFrame) -> Stability:
    """Return how stable the measured points of a run were; `points` is one row per series, as across_launches gives."""
    timed = points[points["iterations"] > 0]
    others = timed["others_share"].dropna()
    spread = (timed["launch_high_us"] - timed["launch_low_us"]) / timed["latency_p50_us"]
    return Stability(
        others_share=None if others.empty else float(others.median()),
        ranks_per_core=_ranks_per_core(runs),
        launch_spread=0.0 if timed.empty else float(spread.max()),
        converged=bool(timed["converged"].all()),
        is_steady=bool(timed["is_steady"].all()),
    )


def _ranks_per_core(runs: pd.DataFrame) -> float:
    """Return the ranks per usable core on the host where they are most; simulated ranks use none."""
    if runs.empty or runs.iloc[-1]["backend"] == "simulated":
        return 0.0
    hosts = json.loads(runs.iloc[-1]["environment_json"])["hosts"]
    return max((len(host["ranks"]) / host["cpu_count"] for host in hosts if host["cpu_count"]), default=0.0)
