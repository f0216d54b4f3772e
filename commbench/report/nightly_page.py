"""The history page: every series as a small drawing, the most troubled first, and a filter; one file, offline.

The drawings are plain SVG: with 600 series plotly would need minutes, and the page would weigh five megabytes more.
"""

from base64 import b64encode
from hashlib import sha256
from html import escape

from commbench.analysis.nightly.lines import Lines, SeriesLine
from commbench.analysis.nightly.verdict import Incident
from commbench.report.markup import Markup, details, document, element, join, safe, section
from commbench.report.nightly_sparks import spark
from commbench.report.nightly_style import CSS, SCRIPT
from commbench.report.nightly_words import (
    doubt_words,
    environment_words,
    fault_words,
    headline,
    host_words,
    improvement_words,
    incident_words,
    learning_words,
    member_words,
    missing_words,
    since_words,
)
from commbench.report.words import SIMULATED_NOTE, count_of, one_line
from commbench.units import format_size

_MEMBERS_SHOWN = 12
_LEGEND = (
    "Each drawing is one series, its last night on the right. Shaded: what its baseline allows. Red ground: nights of "
    "an incident. Grey ticks: the environment changed, or somebody decided something (point at one). A gap is a night "
    "without a value."
)


def page(lines: Lines) -> str:
    """Return the whole page; whatever was named by others is text in it, never code."""
    verdict = lines.verdict
    title = headline(verdict)
    banner = element("p", SIMULATED_NOTE, css="banner") if lines.is_simulated else ""
    body = join(
        [
            element("header", element("h1", title), element("p", _range(lines)), banner),
            section("Incidents", *map(_incident, verdict.incidents)) if verdict.incidents else "",
            _listed("Faults", fault_words(verdict)),
            _listed("Missing", missing_words(verdict)),
            _listed("Faster", improvement_words(verdict)),
            _listed("Learning", [learning_words(verdict)] if verdict.learning else []),
            _listed("What changed", [f"{mark.night}: {mark.words}" for mark in lines.marks]),
            section(f"All {len(lines.lines)} series", element("p", _LEGEND, css="note"), _filter(), _grid(lines)),
        ]
    )
    digest = b64encode(sha256(SCRIPT.encode()).digest()).decode()
    policy = f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:"
    return document(title, CSS, policy, body, f"<script>{SCRIPT}</script>\n")


def _range(lines: Lines) -> str:
    nights = f"{lines.nights[0]} to {lines.nights[-1]}" if lines.nights else "no nights"
    return f"{len(lines.nights)} nights, {nights} (UTC)"


def _incident(incident: Incident) -> Markup:
    facts = [since_words(incident), *doubt_words(incident), *map(host_words, incident.hosts)]
    facts += map(environment_words, incident.environment)
    members = [member_words(member) for member in incident.members]
    more = details(f"{len(members)} series", *(element("p", line) for line in members[_MEMBERS_SHOWN:]))
    # Ids become an attribute only as JSON would have them, escaped again for HTML: they may come from another's store.
    button = Markup(f'<button type="button" data-filter="{escape(incident.incident_id)}">show its series</button>')
    return element(
        "article",
        element("h3", f"{incident.incident_id} {incident_words(incident)}", css="bad" if incident.is_red else ""),
        *(element("p", fact) for fact in facts),
        *(element("p", line, css="member") for line in members[:_MEMBERS_SHOWN]),
        more if len(members) > _MEMBERS_SHOWN else "",
        element("p", element("code", one_line(incident.next_command)), " ", button),
    )


def _listed(title: str, lines: list[str]) -> Markup:
    if not lines:
        return Markup("")
    items = element("ul", *(element("li", one_line(line)) for line in lines))
    return section(title, items if len(lines) <= _MEMBERS_SHOWN else details(f"{len(lines)} of them", items))


def _filter() -> Markup:
    return Markup(
        '<p class="filter"><label>Filter <input id="filter" type="search" autocomplete="off" '
        'placeholder="all_reduce ib 8 nodes"></label> <output id="count" for="filter"></output></p>'
    )


def _grid(lines: Lines) -> Markup:
    """Return all series, those of incidents first, then by how far the last night is from the baseline."""
    active = {each.incident_id for each in lines.verdict.incidents if each.is_red}
    ordered = sorted(
        lines.lines, key=lambda line: (not active & {*line.incident_ids}, -(line.tonight or 0.0), line.series.label)
    )
    return element("div", *(_series(line, lines, bool(active & {*line.incident_ids})) for line in ordered), css="grid")


def _series(line: SeriesLine, lines: Lines, is_red: bool) -> Markup:
    series = line.series
    size = format_size(series.size_bytes)
    where = f"{count_of(series.nodes, 'node')}, {count_of(series.world_size, 'rank')}"
    words = f"{series.collective} {size}, {where}, {series.fabric}"
    more = ", ".join(each for each in (series.dtype, series.cadence, series.placement) if each)
    last = next((value for value in reversed(line.values) if value is not None), None)
    number = "" if last is None else f"{last:.4g} {line.unit}"
    score = "" if line.tonight is None else f"{line.tonight:+.1f} sd"
    searched = escape(
        " ".join([words, more, series.label, series.series_id, line.metric, *line.incident_ids]).lower(), quote=True
    )
    return Markup(
        f'<figure{" class=red" if is_red else ""} data-words="{searched}">'
        f"<figcaption>{safe(one_line(words))}<span>{safe(one_line(f'{more}; {line.metric} {number} {score}'))}</span>"
        f"</figcaption>{spark(line, lines)}</figure>"
    )
