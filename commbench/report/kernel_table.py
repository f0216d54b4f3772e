"""A run of the kernel benchmark in a terminal: every competitor beside ours, what was wrong, and the targets."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from commbench.errors import UsageError
from commbench.model.result import Status
from commbench.report.series import groups
from commbench.report.words import Row, bandwidth, is_null, one_line, time_us, whole
from commbench.units import format_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commbench.analysis.kernel_targets import Target

WORK = ["workload", "direction", "tensor_dtype", "bucket_dtype", "is_scaled"]
_FROM_BUCKET = {"unpack", "unpack_add", "reduce"}
NOT_MEASURED = "not measured"
ON_CPU = "NO GPU: the CPU path against torch's CPU operations; nothing here says anything about the kernel"
HOST_BOUND = "more launches a call than a queue takes, so the device waits for the host and only replays say its time"
REIMPLEMENTED = "* written again here from published parameters; not that library's own code"
TITLES = (
    "competitor",
    "cold (us)",
    "quartiles",
    "warm (us)",
    "graph (us)",
    "host (us)",
    "GB/s",
    "of copy",
    "ratio",
    "n",
)
_LEGEND = (
    "cold = median device time of single calls on data in no cache; graph = the same replayed from a CUDA graph;",
    "host = how long a call keeps the host; GB/s = least traffic of the work over the cold time;",
    "of copy = its share of the best plain copy of this run; ratio = cold time over commbench's, above 1 = slower",
)


def require_kernel(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows in the order of the run.

    Raises:
        UsageError: there are none.
    """
    if rows.empty:
        raise UsageError("no run of the kernel benchmark here; make one with `commbench kernel`, or name another store")
    return rows.sort_values("case_id", kind="stable", ignore_index=True)


def kernel_table(rows: pd.DataFrame, targets: "Sequence[Target]") -> str:
    """Return one block for each work with a line for each competitor, then the targets.

    Raises:
        UsageError: there are no rows.
    """
    rows = require_kernel(rows)
    blocks = [_block(group) for group in groups(rows, WORK)]
    parts = [*_head(rows), *blocks, "\n".join(f"# {line}" for line in _LEGEND), _targets(targets)]
    return "\n\n".join(parts) + "\n"


def _head(rows: pd.DataFrame) -> list[str]:
    first = rows.iloc[0].to_dict()
    where = f"# kernel benchmark {one_line(first['run_id'])} on {one_line(first['gpu'])}, {one_line(first['host'])}"
    copy = first["copy_gb_s"]
    ceiling = "" if is_null(copy) else f"; best plain copy {bandwidth(copy)} GB/s"
    return [f"{where}, {cold_words(first)}{ceiling}" + "".join(f"\n# {note}" for note in notes(rows))]


def notes(rows: pd.DataFrame) -> list[str]:
    """Return what has to be said beside the numbers."""
    on_cpu = [ON_CPU] if is_on_cpu(rows) else []
    starred = [REIMPLEMENTED] if rows["is_reimplemented"].fillna(value=False).any() else []
    waiting = rows[rows["extra_json"].fillna("").str.contains('"waits_for_host": true', regex=False)]
    slow = sorted({f"{one_line(row['competitor'])} at {one_line(row['workload'])}" for _, row in waiting.iterrows()})
    return on_cpu + starred + ([f"{HOST_BOUND}: {', '.join(slow)}"] if slow else [])


def is_on_cpu(rows: pd.DataFrame) -> bool:
    """Return whether no GPU did the work."""
    return bool(rows["extra_json"].fillna("").str.contains('"device": "cpu"', regex=False).any())


def work_words(row: Row) -> str:
    """Return what is done, in words: `pack float32 to bfloat16, scaled`."""
    ends = [one_line(row["tensor_dtype"]), one_line(row["bucket_dtype"])]
    if row["direction"] in _FROM_BUCKET:
        ends.reverse()
    return f"{one_line(row['direction'])} {' to '.join(ends)}{', scaled' if row['is_scaled'] else ''}"


def competitor_words(row: Row) -> str:
    """Return the competitor's name, with its choices where it has some and a star where it was written again."""
    tuning = one_line(row["tuning_json"])
    return f"{one_line(row['competitor'])}{'*' if row['is_reimplemented'] else ''}" + (
        "" if tuning in {"", "{}"} else f" {tuning}"
    )


def cells(row: Row) -> list[str]:
    """Return the numbers of one case as text: times, bandwidth, share, ratio, calls; empty where there is none."""
    low, high = time_us(row["device_time_cold_low_us"]), time_us(row["device_time_cold_high_us"])
    return [
        time_us(row["device_time_cold_us"]),
        f"{low}-{high}" if low else "",
        *(time_us(row[name]) for name in ("device_time_warm_us", "device_time_graph_us", "host_time_us")),
        bandwidth(row["bandwidth_gb_s"]),
        "" if is_null(row["copy_share"]) else f"{float(str(row['copy_share'])):.1%}",
        "" if is_null(row["time_ratio"]) else f"{float(str(row['time_ratio'])):.2f}",
        whole(row["iterations"]),
    ]


def why_not(row: Row) -> str:
    """Return why there is no time; empty when there is one."""
    return "" if row["status"] == Status.OK else f"{one_line(row['status'])}: {one_line(row['error'])}"


def target_words(target: "Target") -> tuple[str, str, str]:
    """Return what is wanted, what was measured, and the verdict."""
    number = "{:.1%}" if not target.unit else "{:.3g} " + target.unit
    wanted = f"{'at least' if target.is_least else 'at most'} {number.format(target.limit)}"
    if target.measured is None:
        return wanted, NOT_MEASURED, ""
    return wanted, number.format(target.measured), "met" if target.is_met else "MISSED"


def _block(group: pd.DataFrame) -> str:
    records = [row.to_dict() for _, row in group.iterrows()]
    first = records[0]
    tensors = f"{whole(first['tensors'])} tensors, {int(str(first['moved_bytes'])) / 1e6:.4g} MB"
    title = f"# {one_line(first['workload'])}: {work_words(first)} ({tensors})"
    names = [competitor_words(row) for row in records]
    width = max(len(TITLES[0]) + 1, *map(len, names))
    head = _line("# " + TITLES[0], TITLES[1:], width + 2)
    return "\n".join([title, head, *(_case(name, row, width + 2) for name, row in zip(names, records, strict=True))])


def _case(name: str, row: Row, width: int) -> str:
    reason = why_not(row)
    return f"  {name:<{width}}{reason}" if reason else _line(f"  {name}", cells(row), width)


def _line(name: str, values: "Sequence[str]", width: int) -> str:
    widths = (9, 17, 9, 10, 9, 7, 7, 7, 4)
    return f"{name:<{width}}" + " ".join(value.rjust(size) for value, size in zip(values, widths, strict=True))


def _targets(targets: "Sequence[Target]") -> str:
    words = [(target.words, *target_words(target)) for target in targets]
    width = max(len(each[0]) for each in words)
    lines = [
        f"  {name:<{width}}  {wanted:<14}  {measured} {verdict}".rstrip() for name, wanted, measured, verdict in words
    ]
    return "\n".join(["# targets (device time, cold, one H200)", *lines])


def cold_words(row: Mapping[object, object]) -> str:
    """Return over how much distinct memory a run rotated; empty where it does not say."""
    facts = json.loads(str(row["extra_json"] or "{}"))
    return f"rotating over {format_size(facts['cold_bytes'])}" if "cold_bytes" in facts else ""
