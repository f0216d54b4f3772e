"""A night's verdict as JUnit XML, which CI systems show as tests.

One test case for the night as a whole, and one for each incident, fault, failed run and missing point. Elements and
attributes are those of Jenkins' junit-10.xsd.
"""

from dataclasses import dataclass
from xml.etree import ElementTree as ET

from commbench.analysis.nightly.verdict import Incident, NightVerdict, Outcome
from commbench.report.nightly_words import (
    effect_words,
    environment_words,
    headline,
    host_words,
    incident_words,
    member_words,
    scope_name,
    since_words,
)
from commbench.report.words import one_line

_FAILURE, _ERROR, _SKIPPED, _PASSED = "failure", "error", "skipped", ""


@dataclass(frozen=True, slots=True)
class _Case:
    """One test case: what became of it (`result` is the element's name, empty = passed), in a line and in full."""

    group: str
    name: str
    result: str = _PASSED
    message: str = ""
    text: str = ""


def junit(verdict: NightVerdict) -> str:
    """Return the verdict as one XML document."""
    cases = _cases(verdict)
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(case.result == _FAILURE for case in cases)),
        "errors": str(sum(case.result == _ERROR for case in cases)),
    }
    root = ET.Element("testsuites", {"name": "commbench", **counts})
    skipped = str(sum(case.result == _SKIPPED for case in cases))
    name = one_line(f"nightly {verdict.cluster} {verdict.night.label}")
    suite = ET.SubElement(root, "testsuite", {"name": name, **counts, "skipped": skipped})
    for case in cases:
        element = ET.SubElement(suite, "testcase", {"classname": f"commbench.{case.group}", "name": case.name})
        if case.result:
            ET.SubElement(element, case.result, {"message": case.message}).text = case.text or case.message
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _cases(verdict: NightVerdict) -> list[_Case]:
    missing = verdict.missing
    return [
        _night(verdict),
        *map(_incident, verdict.incidents),
        *(
            _Case(
                "fault", one_line(f"{each.series.label} {each.run_id}"), _FAILURE, one_line(f"{each.what}: {each.why}")
            )
            for each in verdict.faults
        ),
        *(
            _Case("run", one_line(each.run_id), _ERROR, one_line(f"{each.exit_state}: {each.reason}"))
            for each in missing.failed_runs
        ),
        *(
            _Case("missing", one_line(each.series.label), _SKIPPED, one_line(f"{each.why}, last seen {each.last_seen}"))
            for each in missing.points
        ),
    ]


def _night(verdict: NightVerdict) -> _Case:
    """Return the night itself: an error where it could not be judged, so that nobody takes silence for green."""
    judged = verdict.outcome not in {Outcome.LEARNING, Outcome.MISSING}
    result = _PASSED if judged else _SKIPPED if verdict.outcome is Outcome.LEARNING else _ERROR
    return _Case("night", f"{verdict.night.label} is judged", result, one_line(headline(verdict)))


def _incident(incident: Incident) -> _Case:
    lines = [
        since_words(incident),
        *map(host_words, incident.hosts),
        *map(environment_words, incident.environment),
        *map(member_words, incident.members),
        f"next: {one_line(incident.next_command)}",
    ]
    name = one_line(f"{scope_name(incident)} ({incident.incident_id})")
    if incident.is_red:
        return _Case("incident", name, _FAILURE, one_line(effect_words(incident.effect)), "\n".join(lines))
    if incident.is_muted:
        return _Case("incident", name, _SKIPPED, incident_words(incident), "\n".join(lines))
    return _Case("incident", name)
