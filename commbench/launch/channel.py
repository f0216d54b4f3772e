"""A process on this host through which keepers on other hosts hear and speak."""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from commbench.launch.launch_log import LaunchLog
from commbench.launch.wire import MARK, Message, messages_in

_LABEL = re.compile(r" *(\d+): ")  # srun(1): right-aligned to the width of the largest


@dataclass(frozen=True, slots=True)
class Channel:
    """What to execute; `hosts` are those behind it, by node number; `shell` is its short name in messages.

    `is_labelled` says that each line begins with its node's number and a colon, as `srun --label` has it.
    """

    arguments: tuple[str, ...]
    hosts: dict[int, str]
    shell: str
    is_labelled: bool = False


def sorted_by_label(text: str) -> str:
    """Return labelled lines without their labels, node after node; what the launcher itself said comes first."""
    lines: dict[int, list[str]] = {}
    for line in text.splitlines():
        match = _LABEL.match(line)
        lines.setdefault(int(match[1]) if match else -1, []).append(line[match.end() :] if match else line)
    return "".join(f"{line}\n" for node in sorted(lines) for line in lines[node])


class OpenChannel:
    """A running channel with its log."""

    def __init__(self, channel: Channel, log: Path) -> None:
        self.hosts, self.shell, self.nodes = channel.hosts, channel.shell, frozenset(channel.hosts)
        name = "-".join(["", *channel.hosts.values()]) if len(channel.hosts) == 1 else ""
        self._log = LaunchLog(log.with_name(f"{log.stem}{name}{log.suffix}"))
        self._heard = 0
        self._is_labelled = channel.is_labelled
        try:
            self._process: subprocess.Popen[bytes] | None = subprocess.Popen(  # noqa: S603 - the user's own words
                channel.arguments,
                stdin=subprocess.PIPE,  # its end tells the keepers that we are gone
                stdout=self._log.file,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is ours to handle
            )
        except OSError as error:
            self._process = None
            self._log.file.write(f"{shlex.join(channel.arguments[:1])}: {error.strerror}\n".encode())

    def poll(self) -> int | None:
        """Return the channel's exit code, or None while it runs; 127, as shells have it, when it never did."""
        return 127 if self._process is None else self._process.poll()

    def text(self) -> str:
        """Return what came through in this launch, host after host."""
        text = self._log.read().decode(errors="replace")
        return sorted_by_label(text) if self._is_labelled else text

    def text_of_ranks(self) -> str:
        """Return what came through without the keepers' messages."""
        return "\n".join(line for line in self.text().splitlines() if MARK not in line)

    def new_messages(self) -> Iterator[Message]:
        """Yield the keepers' messages since the last call."""
        text = self._log.read(self._heard)
        whole = text[: text.rfind(b"\n") + 1]
        self._heard += len(whole)
        yield from messages_in(whole.decode(errors="replace"))

    def send(self, line: str) -> None:
        """Say a line to the keepers; one that is gone is found by its silence."""
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.write(f"{line}\n".encode())
                self._process.stdin.flush()

    def close(self) -> None:
        """Close the keepers' input."""
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def end(self, deadline: float) -> None:
        """Wait for the channel's end until a deadline of time.monotonic(), then kill it."""
        self._log.close()
        if self._process is None:
            return
        try:
            self._process.wait(max(deadline - time.monotonic(), 0.1))
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
