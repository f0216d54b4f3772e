"""The ranks of one host: `python -m commbench.launch.ranks RANKS COMMAND...` starts them all here and waits.

They are told their places as torchrun would tell them, and none outlives the first that fails. Not by torch elastic:
it imports torch once more on every host, some two CPU seconds of each launch, leaves a folder in /tmp each time, and
whom it names depends on who ended first; its restarts are of no use to a benchmark (design fabrics.md, section 3).
"""

import os
import platform
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import FrameType

from commbench.environment.listening import listen
from commbench.environment.place import MEETING_FD
from commbench.environment.shared_output import tell
from commbench.errors import ExitCode

_LOOPBACK = "127.0.0.1"
# After the first failure: how long the others may take to fail on their own, which shows who was the cause; then how
# long they may take to end when they are asked to. Stopped ranks do not hear anything but the last.
_ENDING = ((1.0, signal.SIGTERM), (5.0, signal.SIGKILL))


@dataclass(frozen=True, slots=True)
class HostPart:
    """What one host starts: `command` on each of its ranks. All hosts have as many."""

    command: tuple[str, ...]
    ranks: int
    master_addr: str
    master_port: int
    node: int = 0
    node_count: int = 1

    def variables(self, local_rank: int) -> dict[str, str]:
        """Return what a rank is told, under torchrun's names."""
        return {
            "RANK": str(self.node * self.ranks + local_rank),
            "LOCAL_RANK": str(local_rank),
            "WORLD_SIZE": str(self.node_count * self.ranks),
            "LOCAL_WORLD_SIZE": str(self.ranks),
            "MASTER_ADDR": self.master_addr,
            "MASTER_PORT": str(self.master_port),
        }


@dataclass(frozen=True, slots=True)
class Ending:
    """How a rank's process ended; a negative exit code is a signal's. `was_told` says that we had sent it one."""

    rank: int
    pid: int
    exit_code: int
    was_told: bool = False

    def __str__(self) -> str:
        why = ", as it was told to" if self.was_told else ""
        return f"rank {self.rank} (pid {self.pid}, host {platform.node()}) ended with exit code {self.exit_code}{why}"


class HostRanks:
    """Ranks at work. `meeting` is where rank 0 meets the others, where it is known already; it is closed here."""

    def __init__(
        self,
        part: HostPart,
        environment: Mapping[str, str],
        meeting: socket.socket | None = None,
        *,
        stdin: int | None = None,
        own_session: bool = False,
    ) -> None:
        self._running: dict[int, tuple[int, subprocess.Popen[bytes]]] = {}  # by a descriptor that tells of its end
        self._endings: list[Ending] = []
        self._told: set[int] = set()  # ranks that we have sent a signal
        self._escalation = iter(_ENDING)
        self._deadline: float | None = None
        self._then = signal.SIGTERM
        try:
            for local_rank in range(part.ranks):
                variables, fds = part.variables(local_rank), list[int]()
                if meeting is not None and part.node == local_rank == 0:
                    variables[MEETING_FD], fds = str(meeting.fileno()), [meeting.fileno()]
                process = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
                    part.command,
                    env={**environment, **variables},
                    stdin=stdin,
                    pass_fds=fds,
                    start_new_session=own_session,
                )
                self._running[os.pidfd_open(process.pid)] = (int(variables["RANK"]), process)
        except BaseException:
            self.end()
            raise
        finally:
            if meeting is not None:
                meeting.close()

    @property
    def are_running(self) -> bool:
        """Return whether any rank has not ended."""
        return bool(self._running)

    @property
    def failures(self) -> list[Ending]:
        """Return the ranks that failed, in the order in which they ended."""
        return [ending for ending in self._endings if ending.exit_code]

    def wait(self, *others: int) -> bool:
        """Wait until a rank ends or one of the other descriptors can be read; return whether one of those can.

        Once a rank has failed, the others are ended, in steps: see _ENDING.
        """
        left_s = None if self._deadline is None else max(0.0, self._deadline - time.monotonic())
        ready, _, _ = select.select([*self._running, *others], [], [], left_s)
        for fd in set(ready) & self._running.keys():
            self._take_note(fd)
        if self._deadline is not None and time.monotonic() >= self._deadline:
            self._end_rest(self._then)
            self._escalate()
        return any(fd in ready for fd in others)

    def _take_note(self, fd: int) -> None:
        rank, process = self._running.pop(fd)
        os.close(fd)
        self._endings.append(Ending(rank, process.pid, process.wait(), rank in self._told))
        if self._endings[-1].exit_code and self._deadline is None:
            self._escalate()

    def _escalate(self) -> None:
        wait_s, self._then = next(self._escalation, _ENDING[-1])
        self._deadline = time.monotonic() + wait_s

    def _end_rest(self, number: int) -> None:
        for rank, process in self._running.values():
            process.send_signal(number)
            self._told.add(rank)

    def end(self) -> None:
        """Kill what is still there."""
        self._end_rest(signal.SIGKILL)
        while self._running:
            self._take_note(next(iter(self._running)))


def main(arguments: Sequence[str]) -> int:
    """Start the ranks of a launch that is on this host alone; return 0 when all went well."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _stop)
    meeting = listen(_LOOPBACK)  # rank 0 takes it over, so that nobody else can take the port meanwhile
    part = HostPart(tuple(arguments[1:]), int(arguments[0]), _LOOPBACK, meeting.getsockname()[1])
    ranks = HostRanks(part, os.environ, meeting)
    try:
        while ranks.are_running:
            ranks.wait()
    finally:
        ranks.end()
    for failure in ranks.failures:
        tell(str(failure))
    return ExitCode.RANK if ranks.failures else ExitCode.OK


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(ExitCode.RANK)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
