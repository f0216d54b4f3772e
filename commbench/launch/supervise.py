"""Watch over a launch: pass on what the journal says, keep the time limits, end it when it must end."""

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from typing import Any

from commbench.journal.codec import result_from_json
from commbench.journal.folder import JournalFolder
from commbench.journal.read import Follower
from commbench.launch.commands import LaunchCommand
from commbench.launch.diagnose import name_dead_rank, name_silent_rank
from commbench.launch.outcome import Listener, Outcome, StopButton
from commbench.launch.processes import kill_ranks
from commbench.measure.progress import read_boards
from commbench.model.plan import Plan
from commbench.model.point import Point
from commbench.model.result import Status
from commbench.model.run import ExitState

_POLL_S = 0.1  # often enough for a live view, rare enough not to disturb ranks that share our cores
_START_LIMIT_S = 180  # importing torch on every rank from a cold network disk takes minutes; more is a hang
_END_LIMIT_S = 60  # leaving the process group
_TERM_GRACE_S = 5


@dataclass(slots=True)
class _Watch:
    """What is under way and until when it may be."""

    point: Point | None = None
    deadline: float = field(default_factory=lambda: time.monotonic() + _START_LIMIT_S)


class Supervisor:
    """One launch, from start to end."""

    def __init__(self, folder: JournalFolder, plan: Plan, session: int, listener: Listener, button: StopButton) -> None:
        self._folder, self._plan, self._listener, self._button = folder, plan, listener, button
        self._log = folder.launch_log(session)
        self._lines = Follower(folder.lines, offset=folder.lines.stat().st_size)
        self._watch = _Watch()
        self._begun: dict[int, float] = {}

    def run(self, command: LaunchCommand) -> Outcome:
        """Start the ranks and return how they ended; nothing of the launch is left running."""
        with self._log.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
                command.arguments,
                env=command.environment,
                stdin=subprocess.PIPE,  # its end tells the ranks that we are gone: see measure/worker.py
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is ours to handle
            )
            try:
                return self._follow(process)
            finally:
                self._end(process)

    def _follow(self, process: "subprocess.Popen[bytes]") -> Outcome:
        while True:
            exit_code = process.poll()  # before the look at the journal, so that its last lines are not missed
            for line in self._lines.new_lines():
                self._heard(line)
            if exit_code is not None:
                return self._ended(exit_code)
            if time.monotonic() > self._watch.deadline:
                return self._overdue()
            if self._button.presses:
                self._folder.stop.touch()
            if self._button.presses > 1:
                return Outcome(ExitState.INTERRUPTED, "stopped at once, in the middle of a point")
            time.sleep(_POLL_S)

    def _heard(self, line: dict[str, Any]) -> None:
        now = time.monotonic()
        if line["kind"] == "started":
            point = self._plan.points[line["point_id"]]
            begun_at = self._begun.setdefault(point.point_id, now)
            # Interleaved points take turns: there the limit is on one turn, not on the point's first to last.
            since = now if self._plan.protocol.schedule == "interleaved" else begun_at
            self._watch = _Watch(point, since + self._plan.protocol.point_limit_s)
            if begun_at == now:
                self._listener.started(point)
        elif line["kind"] == "result":
            self._watch = _Watch(None, now + _END_LIMIT_S)
            self._listener.finished(result_from_json(line["result"], self._plan))
        else:
            self._watch = _Watch(None, now + _START_LIMIT_S)

    def _ended(self, exit_code: int) -> Outcome:
        if exit_code == 0:
            return Outcome(ExitState.INTERRUPTED if self._folder.stop.exists() else ExitState.COMPLETE)
        during = self._watch.point.label if self._watch.point else ""
        return Outcome(ExitState.FAILED, name_dead_rank(self._log, exit_code, during))

    def _overdue(self) -> Outcome:
        point = self._watch.point
        if point is None:
            reason = f"the ranks did not come together; what they printed is in {self._log}"
            return Outcome(ExitState.FAILED, reason)
        who = name_silent_rank(read_boards(self._folder.progress), point.world_size)
        limit = f"{self._plan.protocol.point_limit_s:g} s"
        return Outcome(ExitState.FAILED, f"{point.label} took longer than its limit of {limit}: {who}", Status.TIMEOUT)

    def _end(self, process: "subprocess.Popen[bytes]") -> None:
        """Leave no process behind: ask, then kill, the stopped ranks too."""
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        if process.poll() is None:
            process.terminate()
            kill_ranks(read_boards(self._folder.progress))
            try:
                process.wait(_TERM_GRACE_S)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
