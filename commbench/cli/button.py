"""Ctrl-C: once to stop after the point under way, or the visits of an interleaved schedule; twice to stop at once."""

import signal
from types import FrameType, TracebackType
from typing import Any, Self

import click


class InterruptButton:
    """Counts SIGINT and SIGTERM while it is entered, instead of dying of them."""

    def __init__(self) -> None:
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
            under_way = "the point under way (interleaved: the visits; --resume measures open points again)"
            click.echo(f"commbench: finishing {under_way}, then stopping; again to stop at once", err=True)
