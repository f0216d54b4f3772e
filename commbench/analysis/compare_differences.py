"""What else is not the same on both sides: a faster run may owe it to another library, host or setting."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from commbench.analysis.compare_pairs import Pairs
from commbench.analysis.compare_suite import Settings
from commbench.analysis.comparison import Difference

# Columns of points and what a reader calls them. Sizes, ranks and the like are not here: they make the cell.
_FLAGGED = {
    "cluster": "cluster",
    "backend": "backend",
    "fabric": "fabric",
    "gradients": "gradient set",
    "nccl_version": "NCCL",
    "torch_version": "torch",
    "driver_version": "GPU driver",
    "commbench_version": "commbench",
    "hosts": "hosts",
    "ranks_per_node": "ranks per node",
    "algorithm": "algorithm",
    "protocol": "protocol",
    "method": "how latencies were taken",
    "timer": "timer",
    "stopping": "stopping rule",
    "converged": "converged",
    "fabric_verdict": "evidence of the fabric",
}
DIFFERENCE_COLUMNS = tuple(_FLAGGED)
# Facts of a host that differ without meaning anything, or that have a column above.
_IGNORED = {"hostname", "ranks", "clock_id", "memory_bytes", "torch_version", "nccl_version", "driver_version"}
_SHOWN = 3


def differences(a: pd.DataFrame, b: pd.DataFrame, pairs: Sequence[Pairs], compared: Sequence[str]) -> list[Difference]:
    """Return the columns whose values differ between the two sides of a cell, and in how many cells they do."""
    found = []
    for column, what in _FLAGGED.items():
        if column in compared or _is_one_value(a[column], b[column]):
            continue
        found += _difference(what, _texts(a[column]), _texts(b[column]), pairs)
    return found


def setting_differences(
    a: pd.DataFrame, b: pd.DataFrame, pairs: Sequence[Pairs], settings: Settings
) -> list[Difference]:
    """Return what the suites set for the fabric of one side and not alike for that of the other."""
    of_a, of_b = (
        [settings.get(key, {}) for key in zip(rows["run_id"], rows["fabric"], strict=True)] for rows in (a, b)
    )
    return [
        difference
        for name in sorted({name for each in settings.values() for name in each})
        for difference in _difference(
            f"{name}, by the suite",
            [each.get(name, "") for each in of_a],
            [each.get(name, "") for each in of_b],
            pairs,
        )
    ]


def _difference(what: str, of_a: Sequence[str], of_b: Sequence[str], pairs: Sequence[Pairs]) -> list[Difference]:
    """Return in how many cells the values of the rows differ; nothing where they do in none."""
    apart = [
        (values_a, values_b)
        for each in pairs
        if (values_a := {of_a[row] for row in each.a_rows}) != (values_b := {of_b[row] for row in each.b_rows})
    ]
    if not apart:
        return []
    all_a, all_b = (set().union(*values) for values in zip(*apart, strict=True))
    return [Difference(what, _list(all_a), _list(all_b), len(apart))]


def environment_differences(a_runs: pd.DataFrame, b_runs: pd.DataFrame, cells: int) -> list[Difference]:
    """Return the facts of the hosts, variables among them, that differ between the runs of both sides."""
    of_a, of_b = (_facts(runs["environment_json"].dropna()) for runs in (a_runs, b_runs))
    names = sorted(of_a.keys() | of_b.keys())
    return [
        Difference(name, _list(of_a.get(name, set())), _list(of_b.get(name, set())), cells)
        for name in names
        if of_a.get(name, set()) != of_b.get(name, set())
    ]


def _is_one_value(*sides: "pd.Series[Any]") -> bool:
    """Return whether all rows of all sides hold the same: the usual case, quickly."""
    values = [side.iloc[0] for side in sides]
    if any(pd.api.types.is_list_like(value) for value in values):
        return False
    return len({_text(value) for value in values}) == 1 and all(side.nunique(dropna=False) == 1 for side in sides)


def _texts(values: "pd.Series[Any]") -> list[str]:
    return [_text(value) for value in values]


def _text(value: object) -> str:
    if value is None or (not hasattr(value, "__len__") and pd.isna(value)):  # type: ignore[call-overload]
        return ""
    if isinstance(value, str):
        return value
    return ", ".join(map(str, value)) if isinstance(value, Iterable) else str(value)


def _list(values: set[str]) -> str:
    ordered = sorted(value or "none" for value in values) or ["none"]
    return " or ".join(ordered[:_SHOWN]) + (" ..." if len(ordered) > _SHOWN else "")


def _facts(environments: Iterable[str]) -> Mapping[str, set[str]]:
    """Return the values of each fact over all hosts of some environments."""
    found: dict[str, set[str]] = {}
    for text in set(environments):
        for host in json.loads(text).get("hosts", []):
            for name, value in _flat(host):
                found.setdefault(name, set()).add(value)
    return found


def _flat(host: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    for name, value in host.items():
        if name in _IGNORED or not value:
            continue
        if isinstance(value, Mapping):
            what = "MTU of " if name == "mtus" else ""
            yield from ((f"{what}{key}", str(inner)) for key, inner in value.items())
        else:
            yield name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)
