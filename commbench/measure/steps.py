"""The words by which rank 0 leads all ranks through a launch: what to do next."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum


class Do(StrEnum):
    """What a rank can be told to do."""

    OPEN = "open"  # bind a point, make its first call, check it, warm up
    VISIT = "visit"  # time some calls of an open point; every rank keeps its stamps
    GATHER = "gather"  # bring the stamps of all visits since the last time to rank 0
    CLOSE = "close"  # check a point once more and let go of it
    END = "end"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do; ranks that take no part in the point go straight on to the next."""

    do: Do
    point_id: int = -1
    calls: int = 0


def to_text(steps: Sequence[Step]) -> str:
    """Return steps that are announced together as text."""
    return json.dumps([asdict(step) for step in steps])


def from_text(text: str) -> tuple[Step, ...]:
    """Return the steps that `to_text` wrote."""
    return tuple(Step(Do(fields["do"]), fields["point_id"], fields["calls"]) for fields in json.loads(text))
