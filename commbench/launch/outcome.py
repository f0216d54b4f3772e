"""How a launch ended, and who wants to hear about it meanwhile."""

from dataclasses import dataclass
from typing import Protocol

from commbench.model.point import Point
from commbench.model.result import PointResult, Status
from commbench.model.run import ExitState


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a launch ended; `lost_status` is what becomes of a point that was under way."""

    exit_state: ExitState
    reason: str = ""
    lost_status: Status = Status.ERROR


class Listener(Protocol):
    """Somebody who follows a run, such as the live view."""

    def started(self, point: Point) -> None:
        """Hear that a point has begun."""

    def finished(self, result: PointResult) -> None:
        """Hear that a point is done and on disk."""


class StopButton(Protocol):
    """What the user has asked for so far."""

    @property
    def presses(self) -> int:
        """Return 0 for go on, 1 for stop after this point, 2 and more for stop at once."""
