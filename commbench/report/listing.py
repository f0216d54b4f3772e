"""Runs and plans as text: what is stored, and what would be measured."""

from collections.abc import Sequence

import pandas as pd

from commbench.model.plan import Plan
from commbench.model.point import SIMULATED, Point
from commbench.model.result import Status
from commbench.report.words import SIMULATED_NOTE, count_of, imported_from, one_line, placement
from commbench.units import format_duration, format_size

NO_RUNS = "no runs yet; measure one with `commbench run SUITE`\n"

# What `runs_table` needs of `runs`: reading no more keeps a list of years quick.
RUN_COLUMNS = (
    "run_id",
    "session",
    "started_at",
    "suite",
    "cluster",
    "backend",
    "world_size",
    "points_planned",
    "points_final",
    "exit_state",
    "reason",
    "source",
)
_RUN_TITLES = ("run", "started (UTC)", "suite", "cluster", "backend", "ranks", "points", "state")
_RUN_RIGHT = {"ranks", "points"}
_PLAN_TITLES = ("id", "collective", "ranks", "size", "bytes", "count", "type", "redop", "placement", "memory", "time")
_PLAN_RIGHT = {"id", "ranks", "size", "bytes", "count", "memory", "time"}


def runs_table(runs: pd.DataFrame, points: pd.DataFrame | None = None) -> str:
    """Return one line per run, its sessions merged; with `points` the line also counts what went wrong."""
    if runs.empty:
        return NO_RUNS
    ordered = runs.sort_values(["started_at", "session"], kind="stable")
    rows = [_run_cells(sessions, points) for _, sessions in ordered.groupby("run_id", sort=False)]
    return aligned(_RUN_TITLES, _RUN_RIGHT, rows)


def _run_cells(sessions: pd.DataFrame, points: pd.DataFrame | None) -> list[str]:
    first, last = sessions.iloc[0], sessions.iloc[-1]
    state = [one_line(last["exit_state"]).replace("_", " ")]
    if tool := imported_from(last.to_dict()):
        state.append(f"imported from {tool}")
    if len(sessions) > 1:
        state.append(f"after {count_of(len(sessions), 'session')}")
    if points is not None:
        state.extend(_problems(points[points["run_id"] == first["run_id"]]))
    if reason := one_line(last["reason"]):
        state.append(reason)
    # A point is final in one session only: a resumed run leaves it alone.
    measured = f"{sessions['points_final'].sum()}/{last['points_planned']}"
    return [
        one_line(first["run_id"]),
        first["started_at"].strftime("%Y-%m-%d %H:%M"),
        *(one_line(first[name]) for name in ("suite", "cluster", "backend", "world_size")),
        measured,
        ", ".join(state),
    ]


def _problems(points: pd.DataFrame) -> list[str]:
    counts = points["status"].value_counts().to_dict()
    bad = (status for status in Status if status is not Status.OK and counts.get(str(status)))
    return [f"{counts[str(status)]} {status.replace('_', ' ')}" for status in bad]


def plan_table(plan: Plan) -> str:
    """Return one line per point of the plan, and the totals; nothing has run."""
    rows = [_point_cells(point) for point in plan.points]
    note = f"{SIMULATED_NOTE}\n\n" if plan.backend == SIMULATED else ""
    return f"{note}{aligned(_PLAN_TITLES, _PLAN_RIGHT, rows)}\n{_totals(plan)}\n"


def _point_cells(point: Point) -> list[str]:
    cells = [
        str(point.point_id),
        f"{point.collective} ({point.gradients})" if point.gradients else point.collective,
        str(point.world_size),
        format_size(point.requested_bytes if point.skip_reason else point.size_bytes),
        str(point.size_bytes),
        str(point.count),
        point.dtype,
        point.redop,
        placement({"in_place": point.in_place}),
        format_size(point.memory_bytes),
    ]
    if point.skip_reason:
        return [*cells, "-", f"skipped: {one_line(point.skip_reason)}"]
    return [*cells, format_duration(point.estimate_s)]


def _totals(plan: Plan) -> str:
    measured = [point for point in plan.points if not point.skip_reason]
    skipped = len(plan.points) - len(measured)
    memory = max((point.memory_bytes for point in measured), default=0)
    return (
        f"{count_of(len(plan.points), 'point')} on {count_of(plan.world_size, 'rank')} of {plan.backend}: "
        f"{len(measured)} to measure, {skipped} skipped; about {format_duration(plan.estimate_s)}, "
        f"at most {format_size(memory)} a rank"
    )


def aligned(titles: Sequence[str], right: set[str], rows: Sequence[Sequence[str]]) -> str:
    """Return aligned columns; what follows the last title, such as a reason, hangs off the line's end."""
    lines = [list(titles), *rows]
    widths = [max(len(line[index]) for line in lines) for index in range(len(titles))]
    return "".join(f"{_line(line, titles, right, widths)}\n" for line in lines)


def _line(cells: Sequence[str], titles: Sequence[str], right: set[str], widths: Sequence[int]) -> str:
    padded = [
        cell.rjust(width) if title in right else cell.ljust(width)
        for cell, title, width in zip(cells, titles, widths, strict=False)
    ]
    return "  ".join([*padded, *cells[len(titles) :]]).rstrip()
