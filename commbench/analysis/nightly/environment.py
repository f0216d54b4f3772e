"""What changed in the environment between the last good night and the first bad one."""

import json
from collections import defaultdict
from typing import TYPE_CHECKING

from commbench.analysis.nightly.verdict import EnvironmentChange

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pandas as pd

    Facts = dict[str, str]

# Facts of a host that differ from run to run without anything having changed.
_PASSING = {"hostname", "ranks", "clock_id"}
_LONGEST = 200  # characters of a value: a whole configuration file is no line of a report


def changes(before: "pd.DataFrame", after: "pd.DataFrame") -> tuple[EnvironmentChange, ...]:
    """Return what differs in rows of `runs`, by fact; `before` are all runs up to the last good night, oldest first.

    Each host is held against itself, the last time that it was used, since allocations differ; facts of the run as a
    whole, and which hosts there were, against the last run before.
    """
    if before.empty or after.empty:
        return ()
    return (*_of_runs(before.iloc[-1], after.iloc[-1]), *_of_hosts(before, after))


def _of_runs(before: "pd.Series[str]", after: "pd.Series[str]") -> "Iterable[EnvironmentChange]":
    facts = [_run_facts(row) for row in (before, after)]
    for name in sorted(facts[0].keys() | facts[1].keys()):
        old, new = (each.get(name, "") for each in facts)
        if old != new:
            yield EnvironmentChange(name, old, new)


def _run_facts(row: "pd.Series[str]") -> "Facts":
    environment = _parsed(row.get("environment_json"))
    facts = {name: _text(value) for name, value in environment.items() if name != "hosts"}
    facts["hosts"] = ", ".join(sorted(_hosts(environment)))
    for name, value in _parsed(row.get("evidence_json")).items():
        _flatten(f"evidence.{name}", value, facts)
    return facts


def _of_hosts(before: "pd.DataFrame", after: "pd.DataFrame") -> "Iterable[EnvironmentChange]":
    old: dict[str, Facts] = {}
    for text in before["environment_json"].drop_duplicates(keep="last"):
        old.update(_hosts(_parsed(text)))
    changed: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for host, facts in _hosts(_parsed(after.iloc[-1]["environment_json"])).items():
        if host not in old:
            continue  # its coming is told by the fact `hosts`
        for name in facts.keys() | old[host].keys():
            values = old[host].get(name, ""), facts.get(name, "")
            if values[0] != values[1]:
                changed[name, *values].append(host)
    for (name, was, now), hosts in sorted(changed.items()):
        yield EnvironmentChange(name, was, now, tuple(sorted(hosts)))


def _hosts(environment: "Mapping[str, object]") -> "dict[str, Facts]":
    found: dict[str, Facts] = {}
    hosts = environment.get("hosts")
    for host in hosts if isinstance(hosts, list) else []:
        if isinstance(host, dict) and "hostname" in host:
            facts: Facts = {}
            for name, value in host.items():
                if name not in _PASSING:
                    _flatten(str(name), value, facts)
            found[str(host["hostname"])] = facts
    return found


def _flatten(name: str, value: object, facts: "Facts") -> None:
    """Add a value under its dotted name, what is inside of an object under names of its own."""
    if isinstance(value, dict):
        for key, inner in value.items():
            _flatten(f"{name}.{key}", inner, facts)
    else:
        facts[name] = _text(value)


def _text(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _parsed(text: object) -> "dict[str, object]":
    """Return a JSON object, or an empty one for what is none: a fact that cannot be read accuses nobody."""
    try:
        found = json.loads(text) if isinstance(text, str) else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
