"""Which rows belong together, and what a line on a chart is called."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from commbench.errors import UsageError
from commbench.model.dtype import NO_REDOP
from commbench.report.words import Row, count_of, imported_from, is_null, one_line, placement
from commbench.store.columns import MEASURED

# All variables but the size, in the order in which they are said.
VARIABLES = (
    "world_size",
    "backend",
    "nodes",
    "placement",
    "gradients",
    "fabric",
    "in_place",
    "dtype",
    "redop",
    "cadence",
    "launch",
    "traffic_skew",
    "shared_gpu",
    "source",
    "run_id",
)
_ALWAYS_SAID = ("world_size", "backend")
_ORDER = ["run_id", "point_id"]


@dataclass(frozen=True, slots=True)
class Series:
    """The rows of one collective that differ in size only, ascending, under the name that tells them apart."""

    label: str
    points: pd.DataFrame


def require_points(points: pd.DataFrame) -> pd.DataFrame:
    """Return the points in the order of their plans.

    Raises:
        UsageError: there are none.
    """
    if points.empty:
        raise UsageError("no points to report; measure some with `commbench run SUITE`, or name another run or store")
    return points.sort_values(_ORDER, kind="stable", ignore_index=True)


def with_source(points: pd.DataFrame) -> pd.DataFrame:
    """Return the points with the source that rows from before there was an import do not name: commbench."""
    source = points["source"].astype(object)
    return points.assign(source=source.where(source.notna(), MEASURED))


def imported_tools(points: pd.DataFrame) -> list[str]:
    """Return the tools that rows were imported from, in order of their names."""
    return sorted({tool for source in points["source"].unique() if (tool := imported_from({"source": source}))})


def groups(points: pd.DataFrame, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Yield the rows that agree in the columns, groups in order of first appearance."""
    for _, group in points.groupby(list(columns), sort=False, dropna=False):
        yield group


def said_variables(points: pd.DataFrame) -> tuple[str, ...]:
    """Return the variables that a label must name: ranks, backend, and what varies within some collective.

    One answer for all collectives, so that the same line has the same name, and colour, in every chart.
    """
    varying = {
        name for group in groups(points, ["collective"]) for name in VARIABLES if group[name].nunique(dropna=False) > 1
    }
    return tuple(name for name in VARIABLES if name in varying or name in _ALWAYS_SAID)


def series_of(points: pd.DataFrame, said: Sequence[str]) -> list[Series]:
    """Return the series among the rows of one collective."""
    return [
        Series(label(group.iloc[0].to_dict(), said), group.sort_values("size_bytes", kind="stable"))
        for group in groups(points, said)
    ]


def label(row: Row, said: Sequence[str]) -> str:
    """Return the name of the row's series: `4 ranks, gloo, in place`."""
    parts = [text for name in said if (text := variable(row, name))]
    if row.get("is_simulated") and "simulated" not in parts:
        parts.append("simulated")
    if "source" not in said and (tool := imported_from(row)):
        parts.append(f"imported from {tool}")
    return ", ".join(parts)


def variable(row: Row, name: str) -> str:
    """Return one variable in words; empty when it has nothing to say."""
    return _WORDING.get(name, one_line)(row[name])


_WORDING: dict[str, Callable[[object], str]] = {
    "world_size": lambda value: count_of(int(str(value)), "rank"),
    # A column with unknown nodes, which imported rows may have, holds floats.
    "nodes": lambda value: "" if is_null(value) else count_of(int(float(str(value))), "node"),
    "fabric": lambda value: f"fabric {one_line(value)}",
    "placement": lambda value: "" if is_null(value) or not value else f"hosts {one_line(value)}",
    "gradients": lambda value: "" if is_null(value) else one_line(value),
    "launch": lambda value: f"launch {one_line(value)}",
    "in_place": lambda value: placement({"in_place": value}),
    "redop": lambda value: "" if value == NO_REDOP else one_line(value),
    "traffic_skew": lambda value: f"skew {float(str(value)):g}",
    "source": lambda value: f"imported from {tool}" if (tool := imported_from({"source": value})) else "",
    "shared_gpu": lambda value: "" if is_null(value) or not value else "ranks share a GPU: not a measurement",
}
