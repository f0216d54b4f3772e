"""Hold two selections of the store against each other: frames in, a Comparison out."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from commbench.analysis.compare_crossover import crossovers
from commbench.analysis.compare_differences import (
    DIFFERENCE_COLUMNS,
    differences,
    environment_differences,
    setting_differences,
)
from commbench.analysis.compare_metrics import IMPORTED_METRICS, MEASURED_METRICS, METRIC_COLUMNS, values_of
from commbench.analysis.compare_metrics import Side as Columns
from commbench.analysis.compare_pairs import CELL_COLUMNS, SHARED_COLUMNS, Pairs, pair_up, usable
from commbench.analysis.compare_refuse import refuse_factor, refuse_rows, refuse_strangers
from commbench.analysis.compare_suite import fabric_settings
from commbench.analysis.compare_summary import sentences
from commbench.analysis.compare_verdict import Question, findings
from commbench.analysis.comparison import Comparison, Finding, Margin, Row, Side
from commbench.statistics.pairs_needed import log_margin
from commbench.store.columns import MEASURED

_PLAN_COLUMNS = ("run_id", "session", "point_id", "attempt", "block", "launch_index", "started_at", "status")
_KIND_COLUMNS = ("is_simulated", "source", "shared_gpu", "fabric_verdict", "fabric_reason")
# What a comparison reads of points, and of runs.
COLUMNS = tuple(
    dict.fromkeys(
        (*_PLAN_COLUMNS, *_KIND_COLUMNS, *CELL_COLUMNS, *SHARED_COLUMNS, *METRIC_COLUMNS, *DIFFERENCE_COLUMNS)
    )
)
RUN_COLUMNS = ("run_id", "environment_json", "suite_toml")
_CROSSING = ("p50", "mean")  # busbw is the same question, p99 and worst cases are seldom sure enough


@dataclass(frozen=True, slots=True)
class Selected:
    """One side as it was selected: its name, the selection in words, its rows of points and of runs."""

    name: str
    where: str
    points: pd.DataFrame
    runs: pd.DataFrame


def compare(
    a: Selected, b: Selected, compared: Sequence[str], margin: Margin, metrics: Sequence[str] = ()
) -> Comparison:
    """Return what two sides that differ in `compared` on purpose say about each other.

    `points` have the columns COLUMNS and one row for each point's last attempt. Without `metrics` all that apply are
    compared.

    Raises:
        UsageError: the sides cannot be compared, or have nothing in common.
        GateError: a fabric did not carry the bytes that its label claims.
    """
    names = (a.name, b.name)
    refuse_factor(compared)
    refuse_rows(a.points, b.points, names)
    rows_a, rows_b = usable(a.points), usable(b.points)
    pairs = pair_up(rows_a, rows_b, compared)
    if not pairs:
        columns = [name for name in CELL_COLUMNS if name not in compared]
        refuse_strangers(rows_a, rows_b, columns, names)
    tool = _imported_from(rows_a)
    wanted = tuple(metrics) or (IMPORTED_METRICS if tool else MEASURED_METRICS)
    settings = fabric_settings(pd.concat([a.runs, b.runs]), is_fabric_compared="fabric" in compared)
    rows = _rows((Columns.of(rows_a), Columns.of(rows_b)), pairs, wanted, margin, is_imported=bool(tool))
    return Comparison(
        a=_side(a, rows_a),
        b=_side(b, rows_b),
        compared=tuple(compared),
        margin=margin,
        rows=rows,
        differences=(
            *differences(rows_a, rows_b, pairs, compared),
            *setting_differences(rows_a, rows_b, pairs, settings),
            *environment_differences(a.runs, b.runs, len(pairs)),
        ),
        crossovers=tuple(crossovers(rows, [name for name in wanted if name in _CROSSING])),
        sentences=sentences(rows, names, 100 * margin.share),
        notes=_notes(pairs, tool),
        left_out=(*_left_out(a, b, rows_a, rows_b), *_alone(rows_a, rows_b, pairs, names)),
        is_interleaved=all(each.is_interleaved for each in pairs),
        is_simulated=bool(rows_a["is_simulated"].any()),
        imported_from=tool,
    )


def _rows(
    sides: tuple[Columns, Columns], pairs: Sequence[Pairs], metrics: Sequence[str], margin: Margin, *, is_imported: bool
) -> tuple[Row, ...]:
    limit = log_margin(margin.share)
    questions = [
        Question.of(place, metric, values_of(metric, *sides, each), limit)
        for place, each in enumerate(pairs)
        for metric in metrics
    ]
    of_cell: list[list[Finding]] = [[] for _ in pairs]
    for question, finding in zip(questions, findings(questions, margin, is_imported=is_imported), strict=True):
        of_cell[question.place].append(finding)
    return tuple(Row(each.cell, tuple(found)) for each, found in zip(pairs, of_cell, strict=True))


def _side(selected: Selected, rows: pd.DataFrame) -> Side:
    run_ids = tuple(str(run_id) for run_id in rows["run_id"].drop_duplicates())
    launches = len(rows[["run_id", "launch_index"]].drop_duplicates())
    return Side(selected.name, selected.where, run_ids, launches, len(rows))


def _imported_from(rows: pd.DataFrame) -> str:
    tools = sorted(set(rows["source"].dropna()) - {MEASURED})
    return ", ".join(map(str, tools))


def _notes(pairs: Sequence[Pairs], tool: str) -> tuple[str, ...]:
    apart = sum(not each.is_interleaved for each in pairs)
    notes = []
    if tool:
        notes.append(f"imported from {tool}: its own mean times, as it defines them; nothing is known of single calls")
    if apart:
        where = "" if apart == len(pairs) else f" in {apart} of {len(pairs)} cells"
        notes.append(
            f"not measured side by side{where}: launches are paired in the order of time, so whatever else changed "
            "between the two counts as a difference; one run with both, in blocks, would not have that"
        )
    return tuple(notes)


def _left_out(a: Selected, b: Selected, rows_a: pd.DataFrame, rows_b: pd.DataFrame) -> tuple[str, ...]:
    """Return how many rows of each side have no right result and time, by status."""
    said = []
    for side, kept in ((a, rows_a), (b, rows_b)):
        if len(side.points) > len(kept):
            bad = side.points[side.points["status"] != "ok"]["status"].value_counts()
            words = [f"{count} {str(status).replace('_', ' ')}" for status, count in bad.items()]
            rest = len(side.points) - len(kept) - int(bad.sum())
            said.append(f"{side.name}: {', '.join([*words, *([f'{rest} without a time'] if rest else [])])}")
    return tuple(said)


def _alone(a: pd.DataFrame, b: pd.DataFrame, pairs: Sequence[Pairs], names: tuple[str, str]) -> tuple[str, ...]:
    """Return what only one side measured: rows in no pair."""
    said = []
    for rows, name, place in ((a, names[0], 0), (b, names[1], 1)):
        used = {row for each in pairs for row in (each.b_rows if place else each.a_rows)}
        if len(rows) > len(used):
            said.append(f"{name}: {len(rows) - len(used)} points without a counterpart")
    return tuple(said)
