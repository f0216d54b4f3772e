"""A verdict as rows of `incidents`: one for the night, one for each incident; and whether they are there already."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from commbench import __version__
from commbench.analysis.nightly.verdict import Incident, Kind, NightVerdict, State
from commbench.environment.commit import commit

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, object]

AUTHOR = "commbench"  # of what was found, not decided by a person
NIGHT = "night"
_NIGHT_NAME = "night-"
# The words of `incidents.event` for each state; what ends an incident without a person closes it, and `why` says how.
_EVENTS = {
    State.OPENED: "opened",
    State.SEEN: "seen",
    State.RECOVERING: "seen",
}


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the store says of an incident: labels of its first bad night and of the one that ended it, its members."""

    since: str
    until: str | None
    series_ids: tuple[str, ...]


def rows(verdict: NightVerdict, at: datetime) -> list[Row]:
    """Return the rows that record a verdict, written at a time with a zone."""
    written = [_night_row(verdict, at)]
    # An acceptance is a row of the person who made it.
    written += [_incident_row(each, verdict, at) for each in verdict.incidents if each.state != State.ACCEPTED]
    return written


def night_name(label: str) -> str:
    """Return the `incident_id` of a night's own rows."""
    return f"{_NIGHT_NAME}{label}"


def is_recorded(verdict: NightVerdict, incidents: "pd.DataFrame") -> bool:
    """Return whether the store's last row about the night says the same already, of the same runs."""
    own = incidents[
        (incidents["event"] == NIGHT)
        & (incidents["incident_id"] == night_name(verdict.night.label))
        & (incidents["cluster"] == verdict.cluster)
    ]
    if own.empty:
        return False
    last = own.sort_values("at", kind="stable").iloc[-1]
    runs = last["runs"] if last["runs"] is not None else []
    return last["verdict"] == str(verdict.outcome) and list(runs) == list(verdict.run_ids)


def _night_row(verdict: NightVerdict, at: datetime) -> Row:
    return {
        **_about(verdict, at),
        "incident_id": night_name(verdict.night.label),
        "event": NIGHT,
        "verdict": str(verdict.outcome),
        "members": len({m.series.series_id for each in verdict.incidents if each.is_red for m in each.members}),
        "judged": verdict.judged,
        "missing": len(verdict.missing.points),
        "since": verdict.night.started_at,
        "runs": list(verdict.run_ids),
    }


def _about(verdict: NightVerdict, at: datetime) -> dict[str, object]:
    return {
        "at": at,
        "author": AUTHOR,
        "why": "",
        "cluster": verdict.cluster,
        "rule_json": json.dumps(asdict(verdict.rule), sort_keys=True),
        "commbench_version": __version__,
        "commbench_commit": commit(),
        "extra_json": _labels(verdict, None),
    }


def _incident_row(incident: Incident, verdict: NightVerdict, at: datetime) -> Row:
    worst = max(incident.members, key=lambda member: member.score, default=None)
    is_level = incident.kind is Kind.LEVEL
    changes = [asdict(change) for change in incident.environment]
    return {
        **_about(verdict, at),
        "incident_id": incident.incident_id,
        "event": _EVENTS.get(incident.state, "closed"),
        "why": "" if incident.state in _EVENTS else str(incident.state),
        "verdict": str(verdict.outcome),
        "scope": str(incident.scope.kind),
        "scope_json": json.dumps(dict(incident.scope.where), sort_keys=True),
        "metric": worst.metric if worst else "",
        "members": incident.scope.affected,
        "judged": incident.scope.judged,
        "missing": 0,
        "series_ids": [member.series.series_id for member in incident.members],
        "since": incident.since.started_at,
        "last_good_at": incident.last_good.started_at if incident.last_good else None,
        "effect": incident.effect.estimate,
        "effect_low": incident.effect.low,
        "effect_high": incident.effect.high,
        "score": incident.score,
        "latency_p50_before_us": worst.before_us if worst and is_level else None,
        "latency_p50_after_us": worst.after_us if worst and is_level else None,
        "latency_p99_before_us": worst.p99_before_us if worst else None,
        "latency_p99_after_us": worst.p99_after_us if worst else None,
        "hosts_suspected": [host.host for host in incident.hosts],
        "environment_diff_json": json.dumps(changes, sort_keys=True),
        "runs": list(incident.run_ids),
        "baseline_runs": list(incident.baseline_run_ids),
        "extra_json": _labels(verdict, incident),
    }


def _labels(verdict: NightVerdict, incident: Incident | None) -> str:
    """Return the nights' names, which `at` and `since` do not tell where a night was given by hand."""
    return json.dumps({"night": verdict.night.label} | ({"since": incident.since.label} if incident else {}))


def spells(incidents: "pd.DataFrame") -> "dict[str, Recorded]":
    """Return the nights of every incident that was ever written down, and its members."""
    found: dict[str, Recorded] = {}
    own = incidents[(incidents["author"] == AUTHOR) & incidents["event"].isin(["opened", "seen", "closed"])]
    for row in own.sort_values("at", kind="stable").to_dict("records"):
        labels = json.loads(str(row["extra_json"] or "{}"))
        if "since" not in labels:  # of another writer
            continue
        until = labels["night"] if row["event"] == "closed" else None
        members = tuple(str(each) for each in (row["series_ids"] if row["series_ids"] is not None else ()))
        found[str(row["incident_id"])] = Recorded(labels["since"], until, members)
    for row in incidents[incidents["event"] == "accepted"].to_dict("records"):
        if (before := found.get(str(row["incident_id"]))) is not None and before.until is None:
            found[str(row["incident_id"])] = replace(before, until=f"{row['at']:%Y-%m-%d}")
    return found
