"""The rules of a suite file that span several keys, or several entries of a list.

They look at the raw TOML values, which may be wrong in any way, so that their findings are reported together
with those of pydantic: a rule says nothing about values whose own mistakes are reported anyway.
"""

from collections.abc import Callable, Iterator
from typing import Any

from pydantic_core import PydanticCustomError

from commbench.collectives import COLLECTIVES
from commbench.fabric.names import plain
from commbench.model.point import SIMULATED
from commbench.plan.decide import decide_problems
from commbench.plan.entries import SizeEntry
from commbench.plan.problems import Problem
from commbench.plan.suite import ADAPTIVE, BUDGET, FIXED, Measure
from commbench.plan.wording import shown

_RULES_OF_KEY = {
    "iterations": (FIXED,),
    "budget_s": (BUDGET, ADAPTIVE),
    "min_iterations": (BUDGET,),
    "max_iterations": (BUDGET,),
    "epsilon": (ADAPTIVE,),
    "max_visits": (ADAPTIVE,),
    "min_span_s": (ADAPTIVE,),
}

_NAMES = tuple(COLLECTIVES)  # what a suite's entry is looked for in: unlike a dict, this takes entries of any type


def across_keys(raw: dict[str, Any]) -> list[Problem]:
    """Return the mistakes that no single key shows."""
    sweep, measure = _table(raw, "sweep"), _table(raw, "measure")
    rules: tuple[Iterator[Problem], ...] = (
        _repeated(sweep),
        _sizes_without_use(raw, sweep),
        _gradients_without_use(sweep),
        _skew_without_use(sweep),
        _truth_without_simulation(raw, sweep),
        _sharing_without_nccl(sweep),
        _ranks_and_nodes(sweep),
        _unused_fabrics(raw, sweep),
        _factor_without_simulation(raw, sweep),
        _other_rules_keys(measure),
        _crossed_limits(measure),
        decide_problems(measure, sweep),
    )
    return [problem for rule in rules for problem in rule]


def _table(raw: dict[str, Any], name: str) -> dict[str, Any]:
    table = raw.get(name)
    return table if isinstance(table, dict) else {}


def _repeated(sweep: dict[str, Any]) -> Iterator[Problem]:
    for key, entries in sweep.items():
        if not isinstance(entries, list):
            continue
        meaning: Callable[[Any], Any] = _sizes if key == "sizes" else lambda entry: entry
        seen: list[Any] = []
        for index, entry in enumerate(entries):
            # True == 1 in Python, not in TOML.
            sense = (isinstance(entry, bool), meaning(entry))
            if sense in seen:
                first = entries[seen.index(sense)]
                yield Problem(
                    ("sweep", key, index),
                    f"{shown(entry)} repeats {shown(first)}, entry {seen.index(sense)} of the list",
                )
            seen.append(sense)


def _sizes(entry: Any) -> Any:
    try:
        return SizeEntry().check(entry)
    except PydanticCustomError:
        return entry


def _sizes_without_use(raw: dict[str, Any], sweep: dict[str, Any]) -> Iterator[Problem]:
    wanted = sweep.get("collectives")
    known = [COLLECTIVES[name] for name in wanted if name in _NAMES] if isinstance(wanted, list) else []
    is_bucketed = bool(known) and len(known) == len(wanted or ()) and all(row.is_bucketed for row in known)
    if isinstance(raw.get("sweep"), dict) and "sizes" not in sweep and not is_bucketed:
        yield Problem(("sweep", "sizes"), "missing key")
    if "sizes" in sweep and is_bucketed:
        yield Problem(("sweep", "sizes"), "bucketed collectives have the size of their gradients; remove the key")


def _gradients_without_use(sweep: dict[str, Any]) -> Iterator[Problem]:
    wanted = sweep.get("collectives")
    bucketed = [name for name, row in COLLECTIVES.items() if row.is_bucketed]
    if "gradients" in sweep and isinstance(wanted, list) and not any(name in wanted for name in bucketed):
        names = " or ".join(bucketed)
        yield Problem(("sweep", "gradients"), f"only for {names}; add one to collectives or remove the key")


def _skew_without_use(sweep: dict[str, Any]) -> Iterator[Problem]:
    collectives = sweep.get("collectives")
    uneven = [name for name, row in COLLECTIVES.items() if row.is_uneven]
    if "traffic_skew" in sweep and isinstance(collectives, list) and not any(name in collectives for name in uneven):
        names = " or ".join(uneven)
        yield Problem(("sweep", "traffic_skew"), f"only {names} has it; add {names} to collectives or remove the key")


def _truth_without_simulation(raw: dict[str, Any], sweep: dict[str, Any]) -> Iterator[Problem]:
    if "simulated" in raw and sweep.get("backend") != SIMULATED:
        yield Problem(("simulated",), "only with sweep.backend = 'simulated'; set that or remove the table")


def _sharing_without_nccl(sweep: dict[str, Any]) -> Iterator[Problem]:
    if sweep.get("shared_gpu") is True and sweep.get("backend") != "nccl":
        yield Problem(("sweep", "shared_gpu"), "only with sweep.backend = 'nccl'; set that or remove the key")


def _ranks_and_nodes(sweep: dict[str, Any]) -> Iterator[Problem]:
    if "ranks" in sweep and "nodes" in sweep:
        yield Problem(("sweep", "nodes"), "give either ranks or nodes; nodes takes all ranks of so many hosts")
    if "placement" in sweep and "nodes" not in sweep:
        yield Problem(("sweep", "placement"), "only with sweep.nodes; add it or remove the key")


def _unused_fabrics(raw: dict[str, Any], sweep: dict[str, Any]) -> Iterator[Problem]:
    wanted = sweep.get("fabrics")
    names = {plain(name) for name in wanted if isinstance(name, str)} if isinstance(wanted, list) else set()
    for name in _table(raw, "fabrics"):
        if plain(name) not in names:
            yield Problem(("fabrics", name), f"no sweep.fabrics names it; add {name!r} there or remove the table")


def _factor_without_simulation(raw: dict[str, Any], sweep: dict[str, Any]) -> Iterator[Problem]:
    for name, table in _table(raw, "fabrics").items():
        if isinstance(table, dict) and "time_factor" in table and sweep.get("backend") != SIMULATED:
            yield Problem(("fabrics", name, "time_factor"), "only with sweep.backend = 'simulated'; remove the key")


def _other_rules_keys(measure: dict[str, Any]) -> Iterator[Problem]:
    stopping = measure.get("stopping", FIXED)
    for key, rules in _RULES_OF_KEY.items():
        if key in measure and stopping in {FIXED, BUDGET, ADAPTIVE} - set(rules):
            wanted = " or ".join(repr(rule) for rule in rules)
            yield Problem(("measure", key), f"only with stopping = {wanted}, and it is {stopping!r}")


def _crossed_limits(measure: dict[str, Any]) -> Iterator[Problem]:
    fields = Measure.model_fields
    low, high = (measure.get(key, fields[key].default) for key in ("min_iterations", "max_iterations"))
    if measure.get("stopping") == BUDGET and isinstance(low, int) and isinstance(high, int) and 1 <= high < low:
        key = "min_iterations" if "min_iterations" in measure else "max_iterations"
        yield Problem(("measure", key), f"min_iterations is {low}, more than max_iterations, which is {high}")
