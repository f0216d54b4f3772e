"""Watch over a launch: pass on what the journal says, keep the time limits, end it when it must end."""

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from commbench.journal.codec import result_from_json
from commbench.journal.folder import JournalFolder
from commbench.journal.held import is_lost
from commbench.journal.read import Follower
from commbench.launch.launched import Command, Launched
from commbench.launch.outcome import Listener, Outcome, StopButton
from commbench.model.plan import Plan
from commbench.model.point import Point
from commbench.model.result import Status
from commbench.model.run import ExitState

_POLL_S = 0.1  # often enough for a live view, rare enough not to disturb ranks that share our cores
_START_LIMIT_S = 180  # importing torch on every rank from a cold network disk takes minutes; more is a hang
_END_LIMIT_S = 60  # leaving the process group


@dataclass(slots=True)
class _Watch:
    """What is under way and until when it may be."""

    point: Point | None = None
    deadline: float = 0.0
    has_met: bool = False  # the ranks have come together


class Supervisor:
    """One launch, from start to end."""

    def __init__(self, folder: JournalFolder, plan: Plan, session: int, listener: Listener, button: StopButton) -> None:
        self._folder, self._plan, self._listener, self._button = folder, plan, listener, button
        self._log = folder.launch_log(session)
        self._lines = Follower(folder.lines, offset=folder.lines.stat().st_size)
        self._watch = _Watch()
        self._begun: dict[int, float] = {}

    def run(self, command: Command) -> Outcome:
        """Start the ranks and return how they ended; nothing of the launch is left running."""
        limit_s = _START_LIMIT_S if command.start_limit_s is None else command.start_limit_s
        self._watch = _Watch(deadline=time.monotonic() + limit_s)
        launched = command.start(self._folder, self._log)
        try:
            return self._follow(launched)
        finally:
            launched.end()

    def _follow(self, launched: Launched) -> Outcome:
        while True:
            exit_code = launched.poll()  # before the look at the journal, so that its last lines are not missed
            for line in self._lines.new_lines():
                self._heard(line)
            if exit_code is not None:
                return self._ended(launched, exit_code)
            if time.monotonic() > self._watch.deadline:
                return self._overdue(launched)
            if is_lost(self._folder):
                return Outcome(ExitState.FAILED, f"{self._folder.path} was removed while the ranks were measuring")
            if self._button.presses:
                with suppress(FileNotFoundError):  # removed this very moment: the next round sees it
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
            self._watch = _Watch(point, since + self._plan.protocol.point_limit_s, has_met=True)
            if begun_at == now:
                self._listener.started(point)
        elif line["kind"] == "result":
            self._watch = _Watch(None, now + _END_LIMIT_S, has_met=True)
            self._listener.finished(result_from_json(line["result"], self._plan))
        else:
            self._watch = _Watch(None, now + _START_LIMIT_S, has_met=True)

    def _ended(self, launched: Launched, exit_code: int) -> Outcome:
        if exit_code == 0:
            return Outcome(ExitState.INTERRUPTED if self._folder.stop.exists() else ExitState.COMPLETE)
        during = self._watch.point.label if self._watch.point else ""
        return Outcome(ExitState.FAILED, launched.why_dead(exit_code, during))

    def _overdue(self, launched: Launched) -> Outcome:
        point = self._watch.point
        if point is None and not self._watch.has_met:
            return Outcome(ExitState.FAILED, launched.who_is_missing())
        if point is None:
            reason = f"the ranks fell silent between two points: {launched.who_is_silent(self._plan.world_size)}"
            return Outcome(ExitState.FAILED, reason)
        who = launched.who_is_silent(point.world_size)
        limit = f"{self._plan.protocol.point_limit_s:g} s"
        return Outcome(ExitState.FAILED, f"{point.label} took longer than its limit of {limit}: {who}", Status.TIMEOUT)
