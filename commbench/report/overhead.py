"""What commbench itself costs, beside what it measured."""

import pandas as pd

from commbench.report.series import require_points

_SHARE_WORTH_SAYING = 0.01


def overhead_table(points: pd.DataFrame) -> str:
    """Return, per backend and clock, what an empty call is measured as and its share of the shortest medians.

    Raises:
        UsageError: there are no points.
    """
    timed = require_points(points).dropna(subset=["overhead_us", "latency_p50_us"])
    if timed.empty:
        return "no call was timed, so nothing is known of the overhead\n"
    lines = ["an empty call, timed as every other call is:"]
    for (backend, timer), group in timed.groupby(["backend", "timer"]):
        overhead_us = group["overhead_us"].median()
        share = overhead_us / group["latency_p50_us"]
        above = int((share > _SHARE_WORTH_SAYING).sum())
        lines.append(
            f"  {backend}, {timer} clock: {overhead_us:.3f} us; at most {share.max():.2%} of any p50, "
            f"above {_SHARE_WORTH_SAYING:.0%} in {above} of {len(group)} points"
        )
    return "\n".join(lines) + "\n"
