"""One session of a run: journal its start, launch, write down a lost point, journal its end."""

import os
import secrets
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from commbench import __version__
from commbench.environment.commit import commit
from commbench.environment.host import host_facts
from commbench.environment.job import find_job
from commbench.environment.redact import redact_words
from commbench.errors import StoreError
from commbench.journal.codec import result_to_json
from commbench.journal.folder import JournalFolder
from commbench.journal.held import HeldJournal
from commbench.journal.plan_json import to_json
from commbench.journal.read import Journal, read_journal
from commbench.journal.write import JournalWriter
from commbench.launch.blocks import BlocksUntilDecided, WantsMore
from commbench.launch.inprocess import run_simulated
from commbench.launch.launched import Engine, LaunchRequest
from commbench.launch.outcome import Listener, Outcome, StopButton
from commbench.launch.probe import probe_fabric
from commbench.launch.supervise import Supervisor
from commbench.model.environment import Environment
from commbench.model.evidence import Verdict
from commbench.model.plan import Plan
from commbench.model.result import PointResult, Status
from commbench.model.run import ExitState

# After so many launches in a row that failed without finishing a point the session ends: the next would fail as well.
_FRUITLESS_LAUNCHES = 2


@dataclass(frozen=True, slots=True)
class SessionStart:
    """What is known of a session before its ranks start."""

    argv: tuple[str, ...]
    cluster: str
    purpose: str
    refuge: Path | None = None  # where the journal goes on should its folder be removed or full


def new_run_id() -> str:
    """Return a name that sorts by time and that no other run has."""
    return time.strftime("%Y%m%d-%H%M%S", time.gmtime()) + "-" + secrets.token_hex(3)


def create_journal(path: Path, plan: Plan) -> JournalFolder:
    """Create the journal of a new run.

    Raises:
        StoreError: the folder cannot be written.
    """
    folder = JournalFolder(path)
    try:
        path.mkdir(parents=True)
        folder.plan.write_text(to_json(plan))
    except OSError as error:
        raise StoreError(
            f"cannot write the journal {path}: {error.strerror or error}; choose another --store"
        ) from error
    return folder


def run_session(
    folder: JournalFolder,
    start: SessionStart,
    engine: Engine | None,
    listener: Listener,
    button: StopButton,
    *,
    wants_more: WantsMore | None = None,
) -> tuple[int, Outcome]:
    """Measure what is left of a run and return the session's number and how it ended.

    Without an engine the plan is simulated in this process. Whatever happens to the ranks, the journal says how the
    session ended; only the death of this very process leaves that to the next one. Should the journal's folder fail
    meanwhile, the journal goes on in `start.refuge`. `wants_more` ends a plan whose blocks go on until a decision.
    """
    folder.stop.unlink(missing_ok=True)
    for board in folder.progress.glob("rank-*"):
        board.unlink()
    with JournalWriter(folder) as writer:
        session = len(read_journal(folder).sessions)
        environment = asdict(Environment(__version__, commit(), (host_facts(),)))
        writer.write(
            "session",
            launcher=engine.launcher if engine else "in-process",
            argv=redact_words(start.argv),
            cluster=start.cluster,
            purpose=start.purpose,
            environment=environment,
            **asdict(find_job(os.environ)),
            at_ns=time.time_ns(),
        )
    with HeldJournal(folder, start.refuge or folder.path) as held:
        blocks = BlocksUntilDecided(wants_more)
        outcome = _launch_until_done(held, session, engine, listener, button, blocks=blocks)
        return session, _conclude(held.secure(), outcome)


def _launch_until_done(
    held: HeldJournal,
    session: int,
    engine: Engine | None,
    listener: Listener,
    button: StopButton,
    *,
    blocks: BlocksUntilDecided,
) -> Outcome:
    """Launch once for every launch index of the plan: each has processes and connections of its own.

    After a launch that failed in a point another one goes on with the rest, as long as that leads anywhere.
    """
    failures: list[str] = []
    fruitless = 0
    while True:
        folder = held.secure()
        probe_fabric(folder, session, engine, button)
        finished = _finished(folder)
        if engine is None:
            outcome = _simulated(folder, listener, button)
        else:
            command = engine.prepare(LaunchRequest(folder))
            outcome = Supervisor(folder, read_journal(folder).plan, session, listener, button).run(command)
        folder = held.secure()
        if outcome.exit_state is ExitState.FAILED:
            failures.append(outcome.reason)
            fruitless = 0 if _finished(folder) > finished else fruitless + 1
            has_lost_point = _journal_lost_point(folder, session, outcome, listener)
            if not has_lost_point or fruitless == _FRUITLESS_LAUNCHES:
                return _failed(failures)
        elif outcome.exit_state is not ExitState.COMPLETE:
            return outcome
        blocks.after_launch(folder)
        if not read_journal(folder).next_launch():
            return _failed(failures) if failures else outcome
        if engine is not None and not engine.can_repeat:
            reason = f"one launch is done and the plan has more; {engine.launcher} must start the next one"
            return _failed(failures) if failures else Outcome(ExitState.PARTIAL, reason)


def _simulated(folder: JournalFolder, listener: Listener, button: StopButton) -> Outcome:
    try:
        return run_simulated(folder, listener, button)
    except StoreError as error:  # the journal's disk is full: as when it kills a rank
        return Outcome(ExitState.FAILED, str(error))


def _finished(folder: JournalFolder) -> int:
    return sum(result.status.is_final for result in read_journal(folder).results)


def _failed(reasons: list[str]) -> Outcome:
    return Outcome(ExitState.FAILED, "; and then ".join(dict.fromkeys(reasons)))


def _journal_lost_point(folder: JournalFolder, session: int, outcome: Outcome, listener: Listener) -> bool:
    """Write down the point that a failed launch lost; return whether there was one."""
    with JournalWriter(folder) as writer:
        journal = read_journal(folder)
        lost = journal.lost_point(session)
        if lost is None:
            return False
        point_id, attempt, started_at_ns = lost
        point = journal.plan.points[point_id]
        result = PointResult(point, attempt, outcome.lost_status, started_at_ns, error=outcome.reason)
        writer.write("result", result=result_to_json(result), at_ns=time.time_ns())
        listener.finished(result)
    return True


def _conclude(folder: JournalFolder, outcome: Outcome) -> Outcome:
    """Write down how the session ended."""
    with JournalWriter(folder) as writer:
        if outcome.exit_state is ExitState.COMPLETE and has_wrong_results(read_journal(folder)):
            outcome = Outcome(ExitState.WRONG, "a collective delivered wrong data")
        if outcome.exit_state is ExitState.COMPLETE and (reason := contradiction(read_journal(folder))):
            outcome = Outcome(ExitState.CONTRADICTED, reason)
        writer.write("end", exit_state=outcome.exit_state.value, reason=outcome.reason, at_ns=time.time_ns())
    return outcome


def contradiction(journal: Journal) -> str:
    """Return why a fabric of the run cannot be what its label says; empty when none is contradicted."""
    for result in journal.results:
        if result.evidence is not None and result.evidence.verdict == Verdict.CONTRADICTED:
            return f"fabric {result.point.fabric} did not carry the bytes: {result.evidence.reason}"
    return ""


def has_wrong_results(journal: Journal) -> bool:
    """Return whether any point of the run delivered wrong data."""
    return any(result.status is Status.WRONG for result in journal.results)


def end_killed_session(folder: JournalFolder) -> None:
    """Journal the end of a last session whose controlling process vanished before it could."""
    with JournalWriter(folder) as writer:
        journal = read_journal(folder)
        last = len(journal.sessions) - 1
        if last >= 0 and not journal.is_ended(last):
            reason = "the controlling process was killed"
            writer.write("end", exit_state=ExitState.KILLED.value, reason=reason, at_ns=time.time_ns())
