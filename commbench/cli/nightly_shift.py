"""One night's work: measure, judge, measure suspects again, judge, record, report."""

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

import click

from commbench.analysis.nightly.rule import CONFIRM, NIGHTLY
from commbench.cli.conduct import Conducted, Conductor
from commbench.cli.nightly_again import Again, can_rotate, plan_again, rotated, split_by
from commbench.cli.nightly_archive import Archive, give, has_whole_run, read
from commbench.cli.nightly_report import report
from commbench.errors import ExitCode, StoreUnavailableError
from commbench.plan.expand import expand
from commbench.store.store import Store

if TYPE_CHECKING:
    from commbench.analysis.nightly.verdict import NightVerdict
    from commbench.cli.launcher import Launcher
    from commbench.cli.nightly_views import Views
    from commbench.model.plan import Plan
    from commbench.plan.load import LoadedSuite

# How a run can end that leaves nothing to judge: stopped by hand, or its rows are only in the spool.
_NOTHING_TO_JUDGE = {ExitCode.INTERRUPTED, ExitCode.UNFIT}


@dataclass(frozen=True, slots=True)
class Shift:
    """What a night is to measure, where, and into which store; `is_given` says that the night was named by hand."""

    place: str
    loaded: "LoadedSuite"
    launcher: "Launcher"
    fabrics: tuple[str, ...]
    cluster: str
    label: str
    is_given: bool

    def work(self, views: "Views", *, resume: bool) -> ExitCode:
        """Do all of it once: what the store has of this night already is not measured again."""
        code = self._measure(resume=resume)
        if code in _NOTHING_TO_JUDGE:
            return code
        archive, verdict, again = self._confirmed()
        if again is ExitCode.INTERRUPTED:
            return again
        judged = report(Store.open(self.place, create=False), archive, verdict, views)
        is_broken = ExitCode.RANK in {code, again}
        return ExitCode.RANK if is_broken and judged is not ExitCode.GATE else judged

    def _measure(self, *, resume: bool) -> ExitCode:
        if resume:
            return self._conductor(self._launcher()).resume(self.loaded)
        if self._is_there():
            click.echo(f"night {self.label} of {self.cluster or 'this cluster'} is measured already", err=True)
            return ExitCode.OK
        launcher = self._launcher()
        return self._conduct(launcher, self._plan(), NIGHTLY).exit_code

    def _is_there(self) -> bool:
        try:
            store = Store.open(self.place, create=True)
        except StoreUnavailableError:
            return False  # a bucket may be back when the run ends; whether it is a folder, the run itself finds out
        return has_whole_run(store, self.label, self.cluster, self._suite)

    @property
    def _suite(self) -> str:
        return self.loaded.suite.about.name

    def _launcher(self) -> "Launcher":
        """Return the launcher with other hosts first each night, so that small node counts see all of them in turn."""
        return rotated(self.launcher, date.fromisoformat(self.label).toordinal())

    def _plan(self) -> "Plan":
        plan = expand(self.loaded, self.launcher.world_size, nodes=self.launcher.nodes, fabrics=self.fabrics)
        if self.launcher.place is None:
            return plan
        # Somebody else starts the ranks, once: what one launch holds is all that there will be tonight.
        one = tuple(point for point in plan.points if point.launch_index == plan.points[0].launch_index)
        return replace(plan, points=one, protocol=replace(plan.protocol, launches=1))

    def _conductor(self, launcher: "Launcher") -> Conductor:
        return Conductor(self.place, launcher.engine_for, is_local=launcher.is_local)

    def _conduct(self, launcher: "Launcher", plan: "Plan", purpose: str) -> Conducted:
        done = self._conductor(launcher).measure(plan, self.cluster, purpose)
        if self.is_given and done.exit_code is not ExitCode.UNFIT:
            give(Store.open(self.place, create=False), done.run_id, self.label, self.cluster)
        return done

    def _confirmed(self) -> "tuple[Archive, NightVerdict, ExitCode]":
        """Return the night once its suspects were measured again as often as the rule asks, where that is possible."""
        store = Store.open(self.place, create=False)
        archive = read(store, self.label, self.cluster)
        verdict = archive.judge()
        repeat = len(archive.states(CONFIRM, self._suite)) + 1
        while verdict.to_confirm and repeat <= verdict.rule.repeats and self.launcher.place is None:
            code = self._again(verdict, repeat)
            archive = read(store, self.label, self.cluster)
            verdict = archive.judge()
            if code is not ExitCode.OK:
                return archive, verdict, code
            repeat += 1
        return archive, verdict, ExitCode.OK

    def _again(self, verdict: "NightVerdict", repeat: int) -> ExitCode:
        wanted = Again(self.cluster, frozenset(each.series.series_id for each in verdict.to_confirm), repeat)
        plan = plan_again(self._plan(), wanted)
        if not plan.points:
            click.echo("suspects are not in this suite, so they cannot be measured again", err=True)
            return ExitCode.UNFIT
        launcher = self._launcher()
        by = split_by(plan, repeat, len(launcher.hosts)) if can_rotate(launcher) else 0
        others = ", with other hosts beside half of theirs" if by else ""
        words = f"{len(wanted.series_ids)} series look worse; measuring them again ({repeat} of {verdict.rule.repeats})"
        click.echo(f"{words}{others}", err=True)
        return self._conduct(rotated(launcher, by), plan, CONFIRM).exit_code
