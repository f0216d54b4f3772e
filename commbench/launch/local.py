"""A launch whose ranks are all children of this process, on this host."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from commbench.journal.folder import JournalFolder
from commbench.launch.diagnose import name_dead, name_silent
from commbench.launch.launch_log import LaunchLog
from commbench.launch.processes import kill_ranks, sightings
from commbench.measure.progress import read_boards

_TERM_GRACE_S = 5


class LocalLaunch:
    """One process that starts the ranks, or is the rank."""

    def __init__(
        self, arguments: tuple[str, ...], environment: Mapping[str, str], folder: JournalFolder, log: Path
    ) -> None:
        self._boards, self._log = folder.progress, LaunchLog(log)
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
            arguments,
            env=environment,
            stdin=subprocess.PIPE,  # its end tells the ranks that we are gone: see measure/worker.py
            stdout=self._log.file,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is ours to handle
        )

    def poll(self) -> int | None:
        return self._process.poll()

    def why_dead(self, exit_code: int, during: str) -> str:
        text = self._log.read().decode(errors="replace")
        return name_dead(text, exit_code, during, f"(all of it: {self._log.path})")

    def who_is_silent(self, ranks: int) -> str:
        return name_silent(sightings(read_boards(self._boards)), ranks)

    def who_is_missing(self) -> str:
        return f"the ranks did not come together; what they printed is in {self._log.path}"

    def end(self) -> None:
        """Leave no process behind: ask, then kill, the stopped ranks too."""
        self._log.close()
        process = self._process
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        if process.poll() is None:
            process.terminate()
            kill_ranks(read_boards(self._boards))
            try:
                process.wait(_TERM_GRACE_S)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
