"""Run a simulated plan in this process: no ranks, no torch, milliseconds."""

import os
from pathlib import Path
from typing import Any

from commbench.backend.meeting import LocalMeeting
from commbench.backend.simulated import SimulatedBackend
from commbench.environment.noise import NoiseGauge
from commbench.environment.schedstat import RunQueueWait
from commbench.journal.codec import result_from_json
from commbench.journal.folder import JournalFolder
from commbench.journal.read import read_journal
from commbench.journal.write import JournalWriter
from commbench.launch.outcome import Listener, Outcome, StopButton
from commbench.measure.align import ClockAlignment
from commbench.measure.perform import Performer
from commbench.measure.progress import ProgressBoard
from commbench.measure.session import Leader, RankSession, facts_of_all
from commbench.model.plan import Plan
from commbench.model.run import ExitState


def undisturbed() -> tuple[NoiseGauge, RunQueueWait]:
    """Return gauges that read nothing: whatever else this host does, simulated time does not notice."""
    nothing = Path(os.devnull)  # no file is below it
    return NoiseGauge((), proc=nothing), RunQueueWait(nothing)


class _SpokenJournal:
    """A journal writer that also tells the listener what it wrote."""

    def __init__(self, writer: JournalWriter, plan: Plan, listener: Listener) -> None:
        self._writer, self._plan, self._listener = writer, plan, listener

    def write(self, kind: str, *, durable: bool = True, **fields: Any) -> None:
        self._writer.write(kind, durable=durable, **fields)
        if kind == "started":
            self._listener.started(self._plan.points[fields["point_id"]])
        elif kind == "result":
            self._listener.finished(result_from_json(fields["result"], self._plan))


def run_simulated(folder: JournalFolder, listener: Listener, button: StopButton) -> Outcome:
    """Run what is left of a simulated plan and return how it ended."""
    journal = read_journal(folder)
    with JournalWriter(folder) as writer:
        plan, backend = journal.plan, SimulatedBackend(journal.plan)
        alignment = ClockAlignment(None, shares_clock=True)
        performer = Performer(plan.protocol, backend, ProgressBoard(None, 0), alignment, *undisturbed())
        session = RankSession(plan, backend, LocalMeeting(), performer)
        spoken = _SpokenJournal(writer, plan, listener)
        Leader(session, spoken, lambda: button.presses > 0).lead(journal.next_launch(), facts_of_all(backend))
    return Outcome(ExitState.INTERRUPTED if button.presses else ExitState.COMPLETE)
