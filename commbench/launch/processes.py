"""What the kernel says about a rank's process, and how to end it."""

import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from commbench.measure.progress import RankProgress

_STOPPED_STATES = {"T", "t"}  # proc(5): stopped by a signal, or by a debugger
_WAITING_STATES = {"S", "D"}
_ENDED_STATES = {"", "Z", "X"}
_WORKER_NAME = b"commbench.measure.worker"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the host of a rank says of it: how far it is, and its process's state as in proc(5), empty when gone."""

    rank: int
    pid: int
    calls: int
    state: str
    host: str = ""  # empty: this one

    @property
    def is_gone(self) -> bool:
        """Return whether its process has ended."""
        return self.state in _ENDED_STATES

    @property
    def is_waiting(self) -> bool:
        """Return whether its process sleeps in the kernel."""
        return self.state in _WAITING_STATES

    @property
    def is_stopped(self) -> bool:
        """Return whether its process is stopped: it cannot run until somebody continues it."""
        return self.state in _STOPPED_STATES


def sightings(boards: tuple[RankProgress, ...], host: str = "") -> tuple[Sighting, ...]:
    """Return what this host's kernel and its progress boards say of the ranks here."""
    return tuple(Sighting(board.rank, board.pid, board.calls, state_of(board.pid), host) for board in boards)


def state_of(pid: int) -> str:
    """Return the process's state letter as in proc(5); empty when it is gone or is not one of our ranks."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return status.rpartition(")")[2].split()[0] if _WORKER_NAME in command else ""


def kill_ranks(boards: tuple[RankProgress, ...]) -> None:
    """Kill every rank that is still there, the stopped ones too."""
    for board in boards:
        if state_of(board.pid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(board.pid, signal.SIGKILL)
