"""Run a simulated plan in this process: no ranks, no torch, milliseconds."""

from typing import Any

from commbench.backend.meeting import LocalMeeting
from commbench.backend.simulated import SimulatedBackend
from commbench.journal.codec import result_from_json
from commbench.journal.folder import JournalFolder
from commbench.journal.read import read_journal
from commbench.journal.write import JournalWriter
from commbench.launch.outcome import Listener, Outcome, StopButton
from commbench.measure.progress import ProgressBoard
from commbench.measure.session import RankSession
from commbench.model.plan import Plan
from commbench.model.run import ExitState


class _SpokenJournal:
    """A journal writer that also tells the listener what it wrote."""

    def __init__(self, writer: JournalWriter, plan: Plan, listener: Listener) -> None:
        self._writer, self._plan, self._listener = writer, plan, listener

    def write(self, kind: str, **fields: Any) -> None:
        self._writer.write(kind, **fields)
        if kind == "started":
            self._listener.started(self._plan.points[fields["point_id"]])
        elif kind == "result":
            self._listener.finished(result_from_json(fields["result"], self._plan))


def run_simulated(folder: JournalFolder, listener: Listener, button: StopButton) -> Outcome:
    """Run what is left of a simulated plan and return how it ended."""
    journal = read_journal(folder)
    with JournalWriter(folder) as writer:
        session = RankSession(
            plan=journal.plan,
            backend=SimulatedBackend(journal.plan),
            meeting=LocalMeeting(),
            board=ProgressBoard(None, 0),
            writer=_SpokenJournal(writer, journal.plan, listener),
            wants_stop=lambda: button.presses > 0,
        )
        reached_end = session.run(journal.todo())
    return Outcome(ExitState.COMPLETE if reached_end else ExitState.INTERRUPTED)
