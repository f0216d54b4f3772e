"""What the kernel says about a rank's process, and how to end it."""

import contextlib
import os
import signal
from pathlib import Path

from commbench.measure.progress import RankProgress

_STOPPED_STATES = {"T", "t"}  # proc(5): stopped by a signal, or by a debugger
_WORKER_NAME = b"commbench.measure.worker"


def state_of(pid: int) -> str:
    """Return the process's state letter as in proc(5); empty when it is gone or is not one of our ranks."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return status.rpartition(")")[2].split()[0] if _WORKER_NAME in command else ""


def is_stopped(board: RankProgress) -> bool:
    """Return whether the rank's process is stopped: it cannot run until somebody continues it."""
    return state_of(board.pid) in _STOPPED_STATES


def kill_ranks(boards: tuple[RankProgress, ...]) -> None:
    """Kill every rank that is still there, the stopped ones too."""
    for board in boards:
        if state_of(board.pid):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(board.pid, signal.SIGKILL)
