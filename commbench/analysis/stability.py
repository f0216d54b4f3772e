"""How far the numbers of a run can be trusted: what disturbed it, in figures."""

import json
from dataclasses import dataclass

import pandas as pd

_CLAIMS = ("nightly", "comparison")
_LAUNCHES_OF_A_CLAIM = 3  # launches of one sweep differed by 1 to 27 %: design 2.4 and 3.6


@dataclass(frozen=True, slots=True)
class Stability:
    """What made a run unstable; None and 0 where it is not known.

    `others_share` and `steal_share` are the median shares of rank 0's host that others used and the hypervisor took,
    `throttled_s` is how long a quota stopped it in all; `ranks_per_core` is that of the fullest host, `launch_spread`
    the widest range of launches' p50 as a share of their median.
    """

    others_share: float | None
    steal_share: float | None
    throttled_s: float
    ranks_per_core: float
    launch_spread: float
    converged: bool
    is_steady: bool
    lacks_launches: bool  # for a claim about the system, which the suite's purpose makes


def stability(points: pd.DataFrame, runs: pd.DataFrame) -> Stability:
    """Return how stable the measured points of a run were; `points` is one row per series, as across_launches gives."""
    timed = points[points["iterations"] > 0]
    spread = (timed["launch_high_us"] - timed["launch_low_us"]) / timed["latency_p50_us"]
    return Stability(
        others_share=_median(timed["others_share"]),
        steal_share=_median(timed["steal_share"]),
        throttled_s=float(timed["throttled_s"].sum()),
        ranks_per_core=_ranks_per_core(runs),
        launch_spread=0.0 if timed.empty else float(spread.max()),
        converged=bool(timed["converged"].all()),
        is_steady=bool(timed["is_steady"].all()),
        lacks_launches=bool((timed["purpose"].isin(_CLAIMS) & (timed["launches"] < _LAUNCHES_OF_A_CLAIM)).any()),
    )


def _median(shares: "pd.Series[float]") -> float | None:
    known = shares.dropna()
    return None if known.empty else float(known.median())


def _ranks_per_core(runs: pd.DataFrame) -> float:
    """Return the ranks per usable core on the host where they are most; simulated ranks use none."""
    if runs.empty or runs.iloc[-1]["backend"] == "simulated":
        return 0.0
    hosts = json.loads(runs.iloc[-1]["environment_json"])["hosts"]
    return max((len(host["ranks"]) / host["cpu_count"] for host in hosts if host["cpu_count"]), default=0.0)
