"""A night's verdict for a terminal: the answer first, then each incident, then what is missing."""

from commbench.analysis.nightly.verdict import Incident, NightVerdict
from commbench.report.nightly_words import (
    doubt_words,
    environment_words,
    fault_words,
    headline,
    host_words,
    improvement_words,
    incident_words,
    is_over,
    learning_words,
    member_words,
    missing_words,
    since_words,
)
from commbench.report.words import count_of, one_line

_SHOWN = 5  # members, candidates and changes of an incident, and lines of each list; the others are counted


def table(verdict: NightVerdict) -> str:
    """Return the verdict as lines of text."""
    lines = [f"# {headline(verdict)}"]
    for incident in verdict.incidents:
        lines += ["", *_incident(incident)]
    lines += _block("faults (red by themselves)", fault_words(verdict))
    lines += _block("missing", missing_words(verdict))
    lines += _block("faster", improvement_words(verdict))
    notes = [words for words in (_unconfirmed(verdict), learning_words(verdict), _muted(verdict)) if words]
    return "\n".join([*lines, *_block("notes", notes)]) + "\n"


def _incident(incident: Incident) -> list[str]:
    if is_over(incident):
        return [f"{incident.incident_id}  {incident_words(incident)}", f"  {since_words(incident)}"]
    hosts = [host_words(host) for host in incident.hosts]
    if incident.suspect is not None:  # no need for candidates beside a name
        hosts = [host_words(incident.suspect)]
    changes = [environment_words(change) for change in incident.environment]
    members = [member_words(member) for member in incident.members]
    return [
        f"{incident.incident_id}  {incident_words(incident)}",
        f"  {since_words(incident)}",
        *(f"  {line}" for group in (doubt_words(incident), hosts, changes, members) for line in shortened(group)),
        f"  next: {one_line(incident.next_command)}",
    ]


def _block(title: str, lines: list[str]) -> list[str]:
    return ["", f"{title}:", *(f"  {line}" for line in shortened(lines))] if lines else []


def shortened(lines: list[str], shown: int = _SHOWN) -> list[str]:
    """Return the first lines, and how many more there are."""
    more = [f"and {len(lines) - shown} more"] if len(lines) > shown else []
    return [*lines[:shown], *more]


def _unconfirmed(verdict: NightVerdict) -> str:
    left = len(verdict.to_confirm)
    return f"{left} series look worse tonight and were not measured again" if left else ""


def _muted(verdict: NightVerdict) -> str:
    return f"{count_of(len(verdict.muted), 'muted series').removesuffix('s')}" if verdict.muted else ""
