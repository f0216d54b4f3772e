"""A night's verdict for programs: the whole of it, and the few words that a chat takes."""

import json
from dataclasses import fields, is_dataclass
from datetime import datetime
from html import escape
from math import isfinite
from typing import Any

from commbench.analysis.nightly.verdict import NightVerdict
from commbench.report.nightly_words import headline, host_words, incident_words, since_words
from commbench.report.words import one_line

_LINES = 10  # incidents in a message: chats cut off longer ones


def as_json(verdict: NightVerdict) -> str:
    """Return everything that the verdict says as strict JSON; times are ISO 8601, what is unknown is null."""
    whole = {"headline": headline(verdict), "is_red": verdict.is_red, **_plain(verdict)}
    return json.dumps(whole, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def webhook(verdict: NightVerdict) -> str:
    """Return a message as JSON: `text` is what Slack, Mattermost and most others show, the rest is for programs.

    commbench writes it to a file and sends nothing: `curl --json @FILE "$URL"` does.
    """
    lines = [headline(verdict)]
    for incident in verdict.incidents[:_LINES]:
        suspect = f"; {host_words(incident.suspect)}" if incident.suspect else ""
        lines.append(f"{incident.incident_id} {incident_words(incident)}; {since_words(incident)}{suspect}")
    if len(verdict.incidents) > _LINES:
        lines.append(f"and {len(verdict.incidents) - _LINES} more")
    message = {
        "text": "\n".join(escape(one_line(line), quote=False) for line in lines),  # a host may be called <!channel>
        "night": verdict.night.label,
        "cluster": verdict.cluster,
        "outcome": str(verdict.outcome),
        "is_red": verdict.is_red,
        "incidents": [
            {
                "incident_id": each.incident_id,
                "state": str(each.state),
                "scope": each.scope.label,
                "effect": each.effect.estimate,
                "suspect": each.suspect.host if each.suspect else None,
            }
            for each in verdict.incidents
        ],
    }
    return json.dumps(_plain(message), allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    """Return a value as strict JSON has it."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float):
        return float(value) if isfinite(value) else None
    return str(value) if isinstance(value, str) else value
