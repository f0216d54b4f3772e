"""The tail of a run, told honestly: how bad the worst call was, what it says about the next, and what is to blame."""

import pandas as pd

from commbench.report import series
from commbench.report.words import SIMULATED_NOTE, Row, is_null, largest_slow_calls, one_line, skew, time_us, whole

_TITLES = (
    "      size      n      p50    worst  P(>worst)    T p50    S p50  slow time  late  host transport  worst call"
)
_UNITS = "       (B)            (us)     (us)        (%)     (us)     (us)        (%)  (slow calls blamed on)"
_LEGEND = (
    "P(>worst) = 95 % bound on the chance that the next call is slower than the worst: 1 - 0.05^(1/n)",
    "T = first arrival to last result, S = first arrival to last arrival, < = less than the clocks can tell;",
    "slow time = share of T in calls whose T is more than twice its median; p50 and worst = of the latency, in which a",
    "late rank does not show: it is among the largest slow calls; never compare worst cases of different n",
)
_BLOCK = tuple(name for name in ("collective", *series.VARIABLES) if name not in {"dtype", "redop"})


def tail_table(points: pd.DataFrame) -> str:
    """Return one line a point about its slow calls, and which ranks come last more often than chance allows.

    Raises:
        UsageError: there are no points.
    """
    timed = series.with_source(series.require_points(points))
    timed = timed[timed["iterations"] > 0]
    if timed.empty:
        return "no call was timed\n"
    said = ("world_size", "backend", "in_place", "cadence", "launch", "shared_gpu", "source")
    blocks = []
    for group in series.groups(timed, _BLOCK):
        rows = [row.to_dict() for _, row in group.sort_values("size_bytes", kind="stable").iterrows()]
        title = f"# {one_line(rows[0]['collective'])}: {series.label(rows[0], said)}"
        blocks.append("\n".join([title, f"#{_TITLES[1:]}", f"#{_UNITS[1:]}", *(_line(row) for row in rows)]))
    note = [f"# {SIMULATED_NOTE}", ""] if timed["is_simulated"].any() else []
    return "\n".join([*note, "\n\n".join(blocks), "", *(f"# {line}" for line in _LEGEND)]) + "\n"


def _line(row: Row) -> str:
    cells = [
        whole(row["size_bytes"]).rjust(10),
        whole(row["iterations"]).rjust(6),
        *(time_us(row[name]).rjust(8) for name in ("latency_p50_us", "latency_max_us")),
        _percent(row["exceed_probability"]).rjust(10),
        time_us(row["makespan_p50_us"]).rjust(8),
        skew(row).rjust(8),
        _percent(row["slow_time_share"]).rjust(10),
        whole(row["events_arrival"]).rjust(5),
        whole(row["events_host"]).rjust(5),
        whole(row["events_transport"]).rjust(9),
        f" {one_line(row['blame'])}",
    ]
    stragglers = one_line(row["stragglers"])
    notes = [
        *([f"largest slow calls: {largest}"] if (largest := largest_slow_calls(row)) else []),
        *([f"rank {stragglers} is last more often than chance allows"] if stragglers else []),
    ]
    return "\n    ".join([" ".join(cells).rstrip(), *notes])


def _percent(share: object) -> str:
    return "" if is_null(share) else f"{float(str(share)):.2%}".rstrip("%")
