"""Findings for people and for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from commbench.doctor.examine import worst
from commbench.doctor.finding import Finding, Level

_LAST = {
    Level.SKIP: "Nothing could be looked at here, so nothing is known. Next: commbench doctor on the machine itself",
    Level.OK: "Nothing here spoils a measurement. Next: commbench run smoke",
    Level.WARN: "This machine can measure; mend the warnings first where numbers matter. Next: commbench run smoke",
    Level.FAIL: "Measurements on this machine would mislead. Mend the failures, then run commbench doctor again.",
}


def as_text(findings: Sequence[Finding]) -> str:
    """Return one line per finding, more where something is wrong or unseen, and a sentence with the next command."""
    width = max((len(finding.name) for finding in findings), default=0)
    lines = []
    for finding in findings:
        lines.append(f"{finding.level:<4}  {finding.name:<{width}}  {_plain(finding.found)}")
        margin = " " * (width + 8)
        if finding.level is Level.SKIP and finding.remedy:
            lines.append(f"{margin}remedy:  {_plain(finding.remedy)}")
        if finding.level in {Level.WARN, Level.FAIL}:
            lines += [f"{margin}changes: {finding.changes}", f"{margin}remedy:  {_plain(finding.remedy)}"]
    return "\n".join([*lines, "", _LAST[worst(findings)]])


def as_json(findings: Sequence[Finding]) -> str:
    """Return the worst level and all findings as JSON."""
    return json.dumps({"level": worst(findings), "findings": [asdict(finding) for finding in findings]}, indent=1)


def _plain(text: str) -> str:
    """Return text fit for a terminal: names of processes and values of variables are others' words."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
