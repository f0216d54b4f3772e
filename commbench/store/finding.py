"""One thing that a check of the store found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """Where something is, what it is and what to do; a fault is wrong, a note is not."""

    is_fault: bool
    where: str
    what: str
    advice: str


def fault(where: str, what: str, advice: str) -> Finding:
    """Return a finding that must not stay."""
    return Finding(True, where, what, advice)


def note(where: str, what: str, advice: str) -> Finding:
    """Return a finding that may stay."""
    return Finding(False, where, what, advice)
