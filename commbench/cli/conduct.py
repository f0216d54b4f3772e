"""Conduct a run: plan, journal, launch, store, and one closing sentence with the next command."""

import shlex
import shutil
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click
from rich.console import Console

from commbench.analysis.launches import across_launches
from commbench.cli.advise import advise
from commbench.cli.button import InterruptButton
from commbench.cli.options import DEFAULT_STORE
from commbench.cli.publishing import open_for_writing, publish
from commbench.cli.until_decided import print_comparison, wants_more
from commbench.errors import ExitCode, StoreUnavailableError, UsageError
from commbench.journal.folder import JournalFolder
from commbench.journal.read import Journal, read_journal
from commbench.launch.session import SessionStart, create_journal, end_killed_session, new_run_id, run_session
from commbench.model.run import ExitState
from commbench.plan.capacity import check
from commbench.plan.expand import expand
from commbench.report.live import LiveView

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from commbench.cli.publishing import Published
    from commbench.launch.launched import Engine
    from commbench.launch.outcome import Outcome
    from commbench.model.plan import Plan
    from commbench.plan.load import LoadedSuite
    from commbench.store.store import Store

_DONE = {ExitState.COMPLETE, ExitState.WRONG, ExitState.CONTRADICTED}
_EXIT_CODES = {
    ExitState.COMPLETE: ExitCode.OK,
    ExitState.WRONG: ExitCode.GATE,
    ExitState.CONTRADICTED: ExitCode.GATE,
    ExitState.PARTIAL: ExitCode.OK,
    ExitState.FAILED: ExitCode.RANK,
    ExitState.INTERRUPTED: ExitCode.INTERRUPTED,
    ExitState.KILLED: ExitCode.INTERRUPTED,
}


@dataclass(frozen=True, slots=True)
class Extent:
    """What of a suite is measured: so many ranks (None: as it says), on so many hosts, over these fabrics (its own)."""

    world_size: int | None
    nodes: int
    fabrics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conducted:
    """A run that was conducted: its name, and how it ended."""

    run_id: str
    exit_code: ExitCode


@dataclass(frozen=True, slots=True)
class Conductor:
    """Runs suites into one store.

    `engine_for` turns a plan into what starts its ranks (None: simulate here);
    `is_local` says that all ranks are started on this machine, so that what it can hold is checked first.
    """

    place: str
    engine_for: "Callable[[Plan], Engine | None]"
    is_local: bool

    def begin(self, loaded: "LoadedSuite", extent: Extent, cluster: str | None) -> ExitCode:
        """Measure a suite from its first point."""
        plan = expand(loaded, extent.world_size, nodes=extent.nodes, fabrics=extent.fabrics)
        about = loaded.suite.about
        return self.measure(plan, about.cluster if cluster is None else cluster, about.purpose).exit_code

    def measure(self, plan: "Plan", cluster: str, purpose: str) -> Conducted:
        """Measure a plan from its first point."""
        engine = self._engine(plan)
        store = open_for_writing(self.place, create=True)
        run_id = new_run_id()
        folder = create_journal(store.journal_folder(run_id), plan)
        start = SessionStart(tuple(sys.argv), cluster, purpose)
        return Conducted(run_id, self._session(store, folder, plan, start, engine))

    def resume(self, loaded: "LoadedSuite") -> ExitCode:
        """Go on with the newest unfinished run of a suite; its plan is the one it began with.

        Raises:
            UsageError: no run of this suite is unfinished.
        """
        store = open_for_writing(self.place, create=False)
        journal = _newest_unfinished(store, loaded)
        folder, plan = journal.folder, journal.plan
        end_killed_session(folder)
        journal = read_journal(folder)
        # What is there already is left as it is.
        published = [publish(store, journal.record(session), folder) for session in range(len(journal.sessions))]
        if not journal.todo():
            shutil.rmtree(folder.path)
            where = published[-1].store.place
            click.echo(f"run {folder.run_id} had nothing left to measure; it is in {where} now", err=True)
            return _exit_code(ExitState.COMPLETE, published)
        engine = self._engine(plan)
        first = journal.record(0).session
        start = SessionStart(tuple(sys.argv), first.cluster, first.purpose)
        return self._session(store, folder, plan, start, engine)

    def _engine(self, plan: "Plan") -> "Engine | None":
        """Return what starts the plan's ranks, once it is known that they fit; nothing has been written yet."""
        if self.is_local:
            check(plan)
        return self.engine_for(plan)

    def _session(
        self, store: "Store", folder: JournalFolder, plan: "Plan", start: SessionStart, engine: "Engine | None"
    ) -> ExitCode:
        todo = {point_id for point_id, _ in read_journal(folder).todo()}
        done = {point.point_id for point in plan.points} - todo
        with LiveView(plan, Console(stderr=True), done) as live, InterruptButton() as button:
            refuge = store.spooled_journal_folder(folder.run_id)
            start = replace(start, refuge=refuge)
            session, outcome = run_session(folder, start, engine, live, button, wants_more=wants_more)
        if refuge.is_dir() and refuge != folder.path:
            click.echo(f"commbench: {folder.path} was removed or is full; the journal is in {refuge} now", err=True)
            folder = JournalFolder(refuge)
        published = publish(store, read_journal(folder).record(session), folder)
        is_done = outcome.exit_state in _DONE
        if is_done:
            shutil.rmtree(folder.path)
        _advise(published.store, folder.run_id)
        _closing_words(outcome, folder.run_id, published.store.place if published.is_spooled else self.place)
        if is_done and plan.protocol.decide_share:
            print_comparison(published.store, folder.run_id, plan)
        return _exit_code(outcome.exit_state, [published])


def _exit_code(state: ExitState, published: "Sequence[Published]") -> ExitCode:
    """Return how the run ended; a sound run that is only in the spool is none for whoever reads the store."""
    code = _EXIT_CODES[state]
    return ExitCode.UNFIT if code is ExitCode.OK and any(each.is_spooled for each in published) else code


def _advise(store: "Store", run_id: str) -> None:
    try:
        points, sessions = store.latest_attempts(store.points(run_id)), store.runs(run_id)
    except StoreUnavailableError as error:  # published a moment ago: advice is not worth a failure
        click.echo(f"note: {error}", err=True)
        return
    advise(across_launches(points), sessions)


def _newest_unfinished(store: "Store", loaded: "LoadedSuite") -> Journal:
    journals = [read_journal(JournalFolder(path)) for path in store.journals()]
    same = [journal for journal in journals if journal.plan.suite_hash == loaded.hash]
    if same:
        return max(same, key=lambda journal: journal.folder.run_id)
    changed = [journal.folder.run_id for journal in journals if journal.plan.suite == loaded.suite.about.name]
    if changed:
        raise UsageError(
            f"run {max(changed)} of suite {loaded.suite.about.name!r} is unfinished, but the suite file has changed "
            "since; put the old file back, or start anew without --resume"
        )
    raise UsageError(
        f"no unfinished run of suite {loaded.suite.about.name!r} in {store.place}; start it without --resume"
    )


def _closing_words(outcome: "Outcome", run_id: str, place: str) -> None:
    store = "" if place == DEFAULT_STORE else f" --store {shlex.quote(place)}"
    if outcome.exit_state in _DONE:
        words = "is complete" if outcome.exit_state is ExitState.COMPLETE else f"FAILED: {outcome.reason}"
        click.echo(f"run {run_id} {words}; look at it with: commbench show {run_id}{store}", err=True)
        return
    ends = {ExitState.INTERRUPTED: "was interrupted", ExitState.PARTIAL: f"is not complete: {outcome.reason}"}
    click.echo(f"run {run_id} {ends.get(outcome.exit_state, f'FAILED: {outcome.reason}')}", err=True)
    click.echo(f"finished points are stored; go on with: {_resume_command()}", err=True)


def _resume_command() -> str:
    words = ["commbench", *sys.argv[1:]]
    return shlex.join(words if "--resume" in words else [*words, "--resume"])
