"""A launch that searches slow links: see measure/locate.py."""

import time
from collections.abc import Mapping
from typing import Any

from commbench.environment.place import LOCATE
from commbench.journal.folder import JournalFolder
from commbench.journal.read import Follower
from commbench.journal.write import JournalWriter
from commbench.launch.launched import Engine, LaunchRequest
from commbench.launch.outcome import Outcome, StopButton
from commbench.launch.supervise import Supervisor
from commbench.measure.locate import LINE
from commbench.model.plan import Plan
from commbench.model.point import Point
from commbench.model.result import PointResult


def launch_search(
    folder: JournalFolder, plan: Plan, engine: Engine, button: StopButton
) -> tuple[Outcome, Mapping[str, Any]]:
    """Return how the launch ended, and the journal line with what it found; empty when it found nothing out."""
    with JournalWriter(folder) as writer:
        writer.write("locate", launcher=engine.launcher, at_ns=time.time_ns())
    command = engine.prepare(LaunchRequest(folder, {LOCATE: "1"}))
    outcome = Supervisor(folder, plan, 0, _Nobody(), button).run(command)
    lines = [line for line in Follower(folder.lines).new_lines() if line["kind"] == LINE]
    return outcome, lines[-1] if lines else {}


class _Nobody:
    """Hears of rounds and says nothing."""

    def started(self, point: Point) -> None:
        """Say nothing."""

    def finished(self, result: PointResult) -> None:
        """Say nothing."""
