"""A launch before the first of a fabric, in which NCCL tells how it will use it: see measure/probe.py."""

import time

from commbench.environment.place import PROBE
from commbench.journal.folder import JournalFolder
from commbench.journal.packed_text import packed
from commbench.journal.read import Journal, read_journal
from commbench.journal.write import JournalWriter
from commbench.launch.launched import Engine, LaunchRequest
from commbench.launch.outcome import StopButton
from commbench.launch.supervise import Supervisor
from commbench.model.point import AUTO_FABRIC, Point
from commbench.model.result import PointResult


def probe_fabric(folder: JournalFolder, session: int, engine: Engine | None, button: StopButton) -> None:
    """Probe the next launch's fabric, once a run; what fails here fails no run, and is tried no second time."""
    journal = read_journal(folder)
    fabric = _next_fabric(journal)
    if engine is None or not engine.can_repeat or button.presses:
        return
    if journal.plan.backend != "nccl" or fabric == AUTO_FABRIC or journal.is_probed(fabric):
        return
    command = engine.prepare(LaunchRequest(folder, {PROBE: "1"}))
    outcome = Supervisor(folder, journal.plan, session, _Nobody(), button).run(command)
    if not read_journal(folder).is_probed(fabric):
        with JournalWriter(folder) as writer:
            writer.write("probe", fabric=fabric, log=packed(""), error=outcome.reason, at_ns=time.time_ns())


def _next_fabric(journal: Journal) -> str:
    todo = journal.next_launch()
    return journal.plan.points[todo[0][0]].fabric if todo else AUTO_FABRIC


class _Nobody:
    """Hears of points and says nothing."""

    def started(self, point: Point) -> None:
        """Say nothing."""

    def finished(self, result: PointResult) -> None:
        """Say nothing."""
