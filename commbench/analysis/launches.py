"""One row for all launches of a series: the launch is the unit of any claim about a system (design 2.4)."""

import pandas as pd

from commbench.model.block import is_not_needed
from commbench.model.evidence import worst
from commbench.statistics.intervals import exceed_probability
from commbench.store.columns import MEASURED

# Times of which the launches' median is taken, and those where the worst of all launches counts.
_WORST = ("latency_max_us", "makespan_max_us", "skew_max_us", "time_max_us")
_ENOUGH_HOLD = 0.8  # of the launches' own intervals: design 5, item 21
_TOTALS = ("iterations", "visits", "verified_calls", "events_arrival", "events_host", "events_transport")
_ONE_LAUNCH = (
    "latency_p50_low_us",
    "latency_p50_high_us",
    "latency_p99_low_us",
    "latency_p99_high_us",
)  # intervals within a launch say nothing of the next one


def across_launches(points: pd.DataFrame) -> pd.DataFrame:
    """Return one row per run and series: medians of the launches' numbers, the worst of all, summed counts.

    New columns: `launches`; `fewest_iterations`, the calls of the launch with fewest: a p99 that is the median of the
    launches' knows no more than each of them; `launch_low_us` and `launch_high_us`, the range of the launches' p50;
    `launch_variance`, whether fewer than 80 % of the launches' own intervals hold the median launch: then launches
    differ by more than what happens within one, whose interval says little (design 5, item 21). A series that was
    measured in one launch keeps its row, and so does every point that went wrong. Launches that a decision made
    superfluous are left out.
    """
    if points.empty:
        return points.assign(launches=[], fewest_iterations=[], launch_low_us=[], launch_high_us=[], launch_variance=[])
    points = needed(points)
    alike = points["status"].isin(["ok", "skipped"])
    if "source" in points:  # rows of another tool that are alike are no launches: it printed the same size twice
        alike &= points["source"].isna() | (points["source"] == MEASURED)
    each = points["status"].where(alike, points["point_id"].astype(str))  # what went wrong stays a row of its own
    groups = points.groupby([points["run_id"], points["series_id"], points["requested_bytes"], each], sort=False)
    return pd.DataFrame([_one_row(group) for _, group in groups]).astype({"launches": "int64"})


def needed(points: pd.DataFrame) -> pd.DataFrame:
    """Return the points without those of blocks that were not measured because everything was decided before."""
    if "error" not in points:
        return points
    kept = [not is_not_needed(*each) for each in zip(points["status"], points["error"], strict=True)]
    return points[kept]


def _one_row(group: pd.DataFrame) -> "pd.Series[float]":
    row = group.iloc[0].copy()
    row["launches"], row["launch_variance"] = len(group), False
    row["fewest_iterations"] = group["iterations"].min()
    row["launch_low_us"], row["launch_high_us"] = group["latency_p50_us"].min(), group["latency_p50_us"].max()
    if len(group) == 1:
        return row
    for name in group.columns:
        if name in _WORST:
            row[name] = group[name].max()
        elif name in _TOTALS:
            row[name] = group[name].sum()
        elif name in _ONE_LAUNCH:
            row[name] = None
        elif name.endswith(("_us", "_gb_s", "_share")):
            row[name] = group[name].median()
    if row["iterations"] > 0:  # the worst is that of all launches, so its bound is of all their calls
        row["exceed_probability"] = exceed_probability(int(row["iterations"]))
    row["converged"] = bool(group["converged"].all())
    if "fabric_verdict" in group and (verdict := worst(tuple(group["fabric_verdict"].dropna()))):
        of_worst = group[group["fabric_verdict"] == verdict].iloc[0]
        row["fabric_verdict"], row["fabric_reason"] = verdict, of_worst["fabric_reason"]
        row["moved_share"] = group["moved_share"].min()
    row["launch_variance"] = _differ(group)
    return row


def _differ(launches: pd.DataFrame) -> bool:
    known = launches.dropna(subset=list(_ONE_LAUNCH[:2]))
    median_us = launches["latency_p50_us"].median()
    holds = (known["latency_p50_low_us"] <= median_us) & (median_us <= known["latency_p50_high_us"])
    return bool(not known.empty and holds.mean() < _ENOUGH_HOLD)
