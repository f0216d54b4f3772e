"""What the suites of runs say of a comparison, by the text that the store holds: settings of fabrics, and margins."""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from commbench.environment.redact import SECRET_NAME, redact_text
from commbench.plan.decide import decide_share
from commbench.plan.suite import Measure

Settings = Mapping[tuple[str, str], Mapping[str, str]]  # by run and fabric, then by name


def fabric_settings(runs: pd.DataFrame, *, is_fabric_compared: bool) -> Settings:
    """Return what each run's suite sets for each of its fabrics.

    Where fabrics are compared, their kind, interface and rate are what is compared; only variables are settings then.
    """
    return {
        (run_id, fabric): dict(_settings(table, is_fabric_compared=is_fabric_compared))
        for run_id, suite in suites(runs).items()
        for fabric, table in suite.get("fabrics", {}).items()
    }


def decided_share(runs: pd.DataFrame) -> float | None:
    """Return the margin that the suites of all the runs decide their fabrics against; None where they do not agree."""
    found = {suite.get("measure", {}).get("decide") for suite in suites(runs).values()}
    text = found.pop() if len(found) == 1 else None
    return decide_share(Measure.model_construct(decide=text)) if text else None


def suites(runs: pd.DataFrame) -> Mapping[str, Mapping[str, Any]]:
    """Return each run's suite; imported runs have none."""
    if "suite_toml" not in runs:
        return {}
    texts = runs[["run_id", "suite_toml"]].fillna("").drop_duplicates()
    return {str(run_id): _parsed(text) for run_id, text in zip(texts["run_id"], texts["suite_toml"], strict=True)}


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:  # nothing that was run; a store may hold rows that others wrote
        return {}


def _settings(table: Mapping[str, Any], *, is_fabric_compared: bool) -> Iterator[tuple[str, str]]:
    """Yield names and values; as of the environment, no secret is shown."""
    for name, value in table.items():
        if name == "variables":
            yield from ((key, redact_text(str(each))) for key, each in value.items() if not SECRET_NAME.search(key))
        elif not is_fabric_compared:
            yield name, str(value)
