"""What must not be held against each other, however it was asked for."""

from collections.abc import Sequence

import pandas as pd

from commbench.errors import GateError, UsageError
from commbench.model.evidence import Verdict
from commbench.store.columns import MEASURED

# Different things under one name: comparing them on purpose is refused as well. Design 3.2: the same call differs by
# up to 22 % with how calls follow each other.
NEVER_COMPARED = {
    "cadence": "calls that follow each other differently are different measurements",
    "launch": "calls issued by the host and calls replayed from a graph are different measurements",
    "is_simulated": "times from a model are no measurement",
    "source": "what another tool calls a time is not what commbench does",
    "shared_gpu": "ranks that share a GPU show that it works, not how fast it is",
    "collective": "different operations have no common time",
    "size_bytes": "messages of different sizes have no common time",
}
_SHOWN = 5


def refuse_factor(compared: Sequence[str]) -> None:
    """Refuse a comparison by what makes measurements incomparable.

    Raises:
        UsageError: one of the columns is among NEVER_COMPARED.
    """
    for column in compared:
        if column in NEVER_COMPARED:
            raise UsageError(f"{column} cannot be compared: {NEVER_COMPARED[column]}; choose the same on both sides")


def refuse_rows(a: pd.DataFrame, b: pd.DataFrame, names: tuple[str, str]) -> None:
    """Refuse rows that say nothing about each other.

    Raises:
        UsageError: a side is empty, both share rows, or one is simulated, imported or on shared GPUs.
        GateError: a fabric did not carry the bytes of some row, so its label is wrong.
    """
    for rows, name in zip((a, b), names, strict=True):
        _refuse_side(rows, name)
    shared = set(_ids(a)) & set(_ids(b))
    if shared:
        raise UsageError(
            f"{names[0]} and {names[1]} share {len(shared)} measurements; select two sides that have none in common"
        )
    for column, plain in (("is_simulated", False), ("source", MEASURED), ("cadence", None), ("launch", None)):
        of_a, of_b = (_values(rows, column, plain) for rows in (a, b))
        if not of_a & of_b:
            raise UsageError(
                f"{names[0]} has {column} {_list(of_a)}, {names[1]} {_list(of_b)}: {NEVER_COMPARED[column]}; "
                "choose the same on both sides"
            )
    if len(_values(a, "is_simulated", False) | _values(b, "is_simulated", False)) > 1:
        raise UsageError("simulated and measured rows are mixed; narrow both sides, such as with backend=gloo")


def _refuse_side(rows: pd.DataFrame, name: str) -> None:
    if rows.empty:
        raise UsageError(f"nothing in the store is {name}; `commbench list` names the runs, docs/store.md the columns")
    if rows["shared_gpu"].fillna(value=False).any():
        raise UsageError(f"{name}: {NEVER_COMPARED['shared_gpu']}; add shared_gpu=false to the selection")
    contradicted = rows[rows["fabric_verdict"] == Verdict.CONTRADICTED]
    if not contradicted.empty:
        first = contradicted.iloc[0]
        raise GateError(
            f"{name}: {len(contradicted)} points of run {first['run_id']} did not use the fabric of their label "
            f"({first['fabric']}: {first['fabric_reason']}), so nothing can be compared; measure again"
        )


def _ids(rows: pd.DataFrame) -> "zip[tuple[object, ...]]":
    return zip(rows["run_id"], rows["point_id"], strict=True)


def _values(rows: pd.DataFrame, column: str, plain: object) -> set[object]:
    values = set(rows[column].dropna())
    has_plain = plain is not None and (not values or bool(rows[column].isna().any()))
    return values | {plain} if has_plain else values


def _list(values: set[object]) -> str:
    return ", ".join(sorted(map(str, values))[:_SHOWN]) or "unknown"


def refuse_strangers(a: pd.DataFrame, b: pd.DataFrame, columns: Sequence[str], names: tuple[str, str]) -> None:
    """Say why two sides have no cell in common.

    Raises:
        UsageError: always.
    """
    for column in columns:
        of_a, of_b = set(a[column].dropna()), set(b[column].dropna())
        if not of_a & of_b:
            by_it = "" if column in NEVER_COMPARED else f", or name {column} in --a and --b to compare by it"
            raise UsageError(
                f"{names[0]} and {names[1]} have no measurement in common: {column} is {_list(of_a)} against "
                f"{_list(of_b)}; measure both with the same suite{by_it}"
            )
    raise UsageError(f"{names[0]} and {names[1]} have no measurement in common; measure both with the same suite")
