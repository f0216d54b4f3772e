"""A night's verdict as markdown, for the step summary of a CI job."""

from commbench.analysis.nightly.verdict import Incident, NightVerdict
from commbench.report.export import markdown_cell
from commbench.report.nightly_table import shortened
from commbench.report.nightly_words import (
    effect_words,
    environment_words,
    fault_words,
    headline,
    host_words,
    improvement_words,
    learning_words,
    member_words,
    missing_words,
    scope_name,
)

_SHOWN = 20
_TITLES = ("incident", "scope", "slower by", "series", "since", "state", "suspect host")


def markdown(verdict: NightVerdict) -> str:
    """Return the verdict as markdown; whatever was named by others is escaped."""
    lines = [f"### commbench: {markdown_cell(headline(verdict))}", ""]
    if verdict.incidents:
        lines += [_row(_TITLES), _row(["---"] * len(_TITLES))]
        lines += [_row([markdown_cell(cell) for cell in _cells(each)]) for each in verdict.incidents]
    for incident in verdict.incidents:
        details = [*map(host_words, incident.hosts), *map(environment_words, incident.environment)]
        details += map(member_words, incident.members)
        next_step = [f"next: {incident.next_command}"]
        lines += _list(f"{incident.incident_id}", [*shortened(details, _SHOWN), *next_step])
    lines += _list("faults", fault_words(verdict))
    lines += _list("missing", missing_words(verdict))
    lines += _list("faster", improvement_words(verdict))
    lines += _list("notes", [learning_words(verdict)] if verdict.learning else [])
    return "\n".join(lines) + "\n"


def _cells(incident: Incident) -> list[str]:
    suspect = incident.suspect
    return [
        incident.incident_id,
        scope_name(incident),
        effect_words(incident.effect),
        f"{incident.scope.affected} of {incident.scope.judged}",
        incident.since.label,
        f"{incident.state}{', muted' if incident.is_muted else ''}",
        suspect.host if suspect else "",
    ]


def _row(cells: "list[str] | tuple[str, ...]") -> str:
    return f"| {' | '.join(cells)} |"


def _list(title: str, lines: list[str]) -> list[str]:
    if not lines:
        return []
    return ["", f"**{markdown_cell(title)}**", "", *(f"- {markdown_cell(line)}" for line in shortened(lines, _SHOWN))]
