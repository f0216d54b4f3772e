"""Ctrl-C at any moment: the button's words come past whatever was being written."""

import io
import os
import signal
import sys

import pytest

from commbench.cli.button import InterruptButton


class Interrupting(io.RawIOBase):
    """A device in the middle of whose write Ctrl-C comes."""

    def writable(self) -> bool:
        return True

    def write(self, text: object) -> int:
        os.kill(os.getpid(), signal.SIGINT)
        return len(text)  # type: ignore[arg-type]


def test_a_press_while_standard_error_is_written_is_counted_and_said(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    with InterruptButton("the point") as button:
        monkeypatch.setattr("sys.stderr", io.TextIOWrapper(io.BufferedWriter(Interrupting()), write_through=True))
        print("a line of the table", file=sys.stderr, flush=True)
        monkeypatch.undo()
    assert button.presses >= 1
    assert "commbench: finishing the point, then stopping; again to stop at once" in capfd.readouterr().err
