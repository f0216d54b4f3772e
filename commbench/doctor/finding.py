"""What a check found: how bad it is, what it changes about results, and how to mend it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from commbench.doctor.host import Host


class Level(StrEnum):
    """How bad a finding is."""

    SKIP = "skip"  # could not be looked at: never a pass
    OK = "ok"
    WARN = "warn"  # results are worse, or say something else than one thinks
    FAIL = "fail"  # a measurement would not run, or mean nothing


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's answer; `changes` and `remedy` are empty when all is well.

    Of a check that was skipped `found` says why, and `remedy` how to make it possible.
    """

    name: str
    level: Level
    found: str
    changes: str = ""
    remedy: str = ""


class Check(Protocol):
    """One thing to look at."""

    name: str

    def look(self, host: Host) -> Finding | None:
        """Return what was found, or None where there is nothing to look at, such as GPUs."""
