"""Did the fabric that was asked for carry the bytes, and what says so."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What is known about the fabric of a point, from the best to the worst."""

    PROVEN = "proven"  # counters on its ports moved by what had to be sent, and those of other fabrics did not
    PLANNED = "planned"  # settings or the library's own words say so; nobody counted
    UNKNOWN = "unknown"  # looked, and could not tell
    CONTRADICTED = "contradicted"  # the bytes went another way


def worst(verdicts: "tuple[str, ...]") -> str | None:
    """Return the worst of some verdicts, or None when there are none."""
    order = [str(verdict) for verdict in Verdict]
    return max(verdicts, key=order.index, default=None)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found out about the fabric of one attempt at a point.

    `verdict` is one of `Verdict`, and `reason` what it rests on, in words. `expected_bytes` is the least that each
    host had to send while calls were timed, `moved_share` what was counted on the fabric over that, of the host with
    the least; None when nobody could tell. `counters_json` is a JSON object of the counters of every port of every
    host; `link_rate_gbit_s` is the line rate of the fabric's links, `algorithm` and `protocol` the library's choice.
    """

    verdict: str
    reason: str
    expected_bytes: int | None = None
    moved_share: float | None = None
    counters_json: str = "{}"
    link_rate_gbit_s: float | None = None
    algorithm: str = ""
    protocol: str = ""
