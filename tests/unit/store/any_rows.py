"""Rows of every dataset, made from the columns alone: fixed ones, and whatever hypothesis can think of."""

from collections.abc import Callable, Iterable
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from commbench.store.column import (
    BOOL,
    FLOAT64,
    INT16,
    INT32,
    INT64,
    INT64S,
    STRING,
    STRINGS,
    TIMESTAMP,
    Column,
)
from commbench.store.columns import DATASETS, KEYS, SCHEMA_VERSION
from commbench.store.store import Store

AT_US = 1_772_323_200_000_000  # 2026-03-01 00:00:00 UTC
_LAST_US = 253_402_300_799_000_000  # 9999-12-31 23:59:59 UTC, the last year that Python's datetime has
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)

_FIXED: dict[pa.DataType, Callable[[int], Any]] = {
    STRING: lambda n: f"text {n} é",
    BOOL: lambda n: n % 2 == 1,
    FLOAT64: lambda n: n + 0.5,
    INT16: lambda n: n,
    INT32: lambda n: n,
    INT64: lambda n: 2**40 + n,
    TIMESTAMP: lambda n: AT_US + n,
    STRINGS: lambda n: [f"host-{n}", "another"],
    INT64S: lambda n: [n, 2**40, -n],
}
_ANY: dict[pa.DataType, st.SearchStrategy[Any]] = {
    STRING: _TEXT,
    BOOL: st.booleans(),
    FLOAT64: st.floats(),
    INT16: st.integers(-(2**15), 2**15 - 1),
    INT32: st.integers(-(2**31), 2**31 - 1),
    INT64: st.integers(-(2**63), 2**63 - 1),
    TIMESTAMP: st.integers(0, _LAST_US),
    STRINGS: st.lists(_TEXT, max_size=3),
    INT64S: st.lists(st.integers(-(2**63), 2**63 - 1), max_size=4),
}


def fixed_row(dataset: str, number: int, *, only_keys: bool = False) -> dict[str, Any]:
    """Return a row with a value in every column, or with nulls in all but the keys."""
    needed = {*KEYS[dataset]}
    row = {
        column.name: _FIXED[column.type](number) if column.name in needed or not only_keys else None
        for column in DATASETS[dataset]
    }
    told = {"schema_version": SCHEMA_VERSION, "run_id": f"run-{number}", "session": 0}
    return row | {name: value for name, value in told.items() if name in row}


def publish(store: Store, dataset: str, rows: Iterable[dict[str, Any]]) -> None:
    """Publish each row as a file of its own."""
    for number, row in enumerate(rows):
        store.append_rows(dataset, [row], row.get("run_id", f"file-{number}"), AT_US * 1000)


@st.composite
def any_rows(draw: st.DrawFn, dataset: str) -> list[dict[str, Any]]:
    """Return a few rows with distinct keys; every other column holds anything that its type can, or null."""
    return [_any_row(draw, dataset, number) for number in range(draw(st.integers(1, 3)))]


def _any_row(draw: st.DrawFn, dataset: str, number: int) -> dict[str, Any]:
    fixed = {"schema_version", "session", *KEYS[dataset]}
    return fixed_row(dataset, number) | {
        column.name: draw(_any_value(column)) for column in DATASETS[dataset] if column.name not in fixed
    }


def _any_value(column: Column) -> st.SearchStrategy[Any]:
    return st.none() | _ANY[column.type]
