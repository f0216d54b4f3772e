"""How long a fabric takes to recover: from a lost rank to the next good collective, where a run lost one."""

import pandas as pd

from commbench.analysis.choice import NOT_MEASURED, Figure

_LOST = ("error", "timeout")
_S_PER_US = 1e-6


def recovery(attempts: pd.DataFrame) -> Figure:
    """Return the longest time from a lost point's start to the end of the next good first call, in seconds.

    It is an upper bound, because a rank died after its point began. Only points of the same session and launch
    count: what comes later waited for other launches, or for a person. `attempts` are all rows, lost ones too.
    """
    times_s = []
    launches = attempts.groupby(["run_id", "session", "launch_index"], dropna=False, sort=False)
    for _, launch in launches:
        lost = launch[launch["status"].isin(_LOST)]
        good = launch[(launch["status"] == "ok") & launch["first_call_us"].notna()].sort_values("started_at")
        for started_at in lost["started_at"]:
            after = good[good["started_at"] > started_at]
            if not after.empty:
                first = after.iloc[0]
                waited_s = (first["started_at"] - started_at).total_seconds()
                times_s.append(waited_s + float(first["first_call_us"]) * _S_PER_US)
    if not times_s:
        return Figure(None, f"{NOT_MEASURED}: no launch lost a rank and went on")
    return Figure(max(times_s), note=f"at most; worst of {len(times_s)}")
