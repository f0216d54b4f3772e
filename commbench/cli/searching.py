"""Search for slow links over one fabric after another, print what was found, and say so in the exit code."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commbench.cli.button import InterruptButton
from commbench.cli.publishing import open_for_writing
from commbench.errors import ExitCode, RankError, UsageError
from commbench.launch.locate import launch_search
from commbench.launch.session import create_journal, new_run_id
from commbench.model.run import ExitState
from commbench.plan.locate import locate_plan
from commbench.report import links
from commbench.report.links import LinkReport

if TYPE_CHECKING:
    from commbench.cli.launcher import Launcher
    from commbench.model.plan import Plan
    from commbench.plan.load import LoadedSuite
    from commbench.store.store import Store

_SEARCHES = "_searches"  # hidden from readers of the store, as all that begins with an underscore


@dataclass(frozen=True, slots=True)
class Searcher:
    """Where to search, for whom, and with flows of how many bytes (None: the backend's usual size)."""

    place: str
    launcher: "Launcher"
    loaded: "LoadedSuite | None"
    size_bytes: int | None

    def search(self, fabrics: tuple[str, ...], *, as_json: bool) -> ExitCode:
        """Search over each fabric, the suite's where none is named, and print all that was found.

        Raises:
            UsageError: a fabric or the ranks cannot be used.
            RankError: a rank died or timed out; the message names it.
        """
        names = fabrics or (self.loaded.suite.sweep.fabrics if self.loaded else ()) or ("",)
        plans = [
            locate_plan(self.loaded, self.launcher.world_size, self.launcher.nodes, name, self.size_bytes)
            for name in names
        ]
        if len(plans) > 1 and self.launcher.place is not None:
            raise UsageError(f"each fabric needs a launch, and {self.launcher.place.launcher} makes one; name one")
        store = open_for_writing(self.place, create=True)
        reports: list[LinkReport] = []
        with InterruptButton("the flows under way") as button:
            for plan in plans:
                report = self._launch(store, plan, button)
                if report is None:
                    return ExitCode.INTERRUPTED
                reports.append(report)
        _show(reports, as_json=as_json)
        return ExitCode.GATE if any(report.located.is_slow for report in reports) else ExitCode.OK

    def _launch(self, store: "Store", plan: "Plan", button: InterruptButton) -> LinkReport | None:
        """Return what one launch found; None when the user stopped it."""
        engine = self.launcher.engine_for(plan)
        if engine is None:
            raise UsageError("there are no links between simulated ranks; take a suite with another backend")
        folder = create_journal(_folder(store), plan)
        outcome, line = launch_search(folder, plan, engine, button)
        if str(folder.path) not in outcome.reason:  # it names a log there
            shutil.rmtree(folder.path)
        if outcome.exit_state is ExitState.FAILED:
            raise RankError(outcome.reason)
        if not line:
            return None
        (point,) = plan.points
        choice = plan.fabric(point.fabric)
        name, rate = (choice.name, choice.link_rate_gbit_s) if choice else ("", 0.0)
        return links.report_of(line, name, plan.backend, point.size_bytes, rate)


def _folder(store: "Store") -> Path:
    """Return a folder beside those of unfinished runs, of which this is none."""
    journal = store.journal_folder(new_run_id())
    return journal.parent.with_name(_SEARCHES) / journal.name


def _show(reports: list[LinkReport], *, as_json: bool) -> None:
    click.echo(links.as_json(reports) if as_json else "\n\n".join(map(links.as_text, reports)))
