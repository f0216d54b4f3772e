"""The words by which rank 0 leads all ranks through a launch: what to do next, one word at a time."""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Self


class Do(StrEnum):
    """What a rank can be told to do."""

    OPEN = "open"  # bind a point, make its first call, check it, warm up
    VISIT = "visit"  # time some calls of an open point; every rank keeps its stamps
    GATHER = "gather"  # bring the stamps of all visits since the last time to rank 0
    CLOSE = "close"  # check a point once more and let go of it
    END = "end"


@dataclass(frozen=True, slots=True)
class Step:
    """One word; ranks that take no part in the point go straight back to waiting for the next."""

    do: Do
    point_id: int = -1
    calls: int = 0

    def to_text(self) -> str:
        """Return the word as text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return the word that `to_text` wrote."""
        fields = json.loads(text)
        return cls(Do(fields["do"]), fields["point_id"], fields["calls"])
