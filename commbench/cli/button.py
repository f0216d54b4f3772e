"""Ctrl-C: once to stop after what is under way, such as a point or an interleaved schedule's visits; twice at once."""

import signal
from types import FrameType, TracebackType
from typing import Any, Self

from commbench.environment.shared_output import tell_at_once

_POINTS = "the point under way (interleaved: the visits; --resume measures open points again)"


class InterruptButton:
    """Counts SIGINT and SIGTERM while it is entered, instead of dying of them; of the second it dies if it `raises`."""

    def __init__(self, under_way: str = _POINTS, *, raises: bool = False) -> None:
        self._under_way, self._raises = under_way, raises
        self.presses = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._press) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _press(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the signal module's signature
        self.presses += 1
        if self.presses == 1:
            tell_at_once(f"commbench: finishing {self._under_way}, then stopping; again to stop at once")
        elif self._raises:
            raise KeyboardInterrupt
