import json

from commbench.doctor.finding import Finding, Level
from commbench.doctor.report import as_json, as_text

FINDINGS = (
    Finding("clock source", Level.OK, "tsc"),
    Finding("swap", Level.WARN, "2 MiB in use\x1b[31m", "a call waits for a disk", "sudo swapoff -a"),
)


def test_only_what_is_wrong_takes_more_than_a_line() -> None:
    assert as_text(FINDINGS).splitlines() == [
        "ok    clock source  tsc",
        "warn  swap          2 MiB in use?[31m",
        "                    changes: a call waits for a disk",
        "                    remedy:  sudo swapoff -a",
        "",
        "This machine can measure; mend the warnings first where numbers matter. Next: commbench run smoke",
    ]


def test_programs_get_the_level_and_every_field() -> None:
    told = json.loads(as_json(FINDINGS))
    assert told["level"] == "warn"
    assert told["findings"][0] == {"name": "clock source", "level": "ok", "found": "tsc", "changes": "", "remedy": ""}
