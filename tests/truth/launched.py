"""Launch real ranks with planted faults, and read back what was planted and what commbench made of it."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from commbench.journal.folder import JournalFolder
from commbench.journal.read import read_journal
from commbench.launch.commands import local_ranks
from commbench.launch.outcome import Outcome
from commbench.launch.session import SessionStart, create_journal, run_session
from commbench.model.point import Point
from commbench.model.result import PointResult
from commbench.model.run import ExitState
from commbench.plan.expand import expand
from commbench.plan.load import load
from commbench.statistics.blame import Event, find_events
from commbench.statistics.headline import Decomposed
from commbench.store.protocol_rows import taken_apart
from commbench.store.rows import Row, point_rows
from tests.truth.planted_worker import Fault
from tests.truth.virtual import Ints

_SUITE = """
[suite]
name = "planted"
[sweep]
collectives = ["all_reduce"]
sizes = {sizes}
ranks = {ranks}
backend = "gloo"
[measure]
warmup_iterations = 5
{measure}
"""
_USUAL = {"iterations": "400", "visit_iterations": "20", "verify_share": "0.0", "point_limit_s": "60.0"}
_WORKER = Path(__file__).with_name("planted_worker.py")


class _Quiet:
    presses = 0

    def started(self, point: Point) -> None:
        """Say nothing."""

    def finished(self, result: PointResult) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Launched:
    """A run on real ranks, what was planted in it, and how it ended."""

    fault: Fault
    folder: JournalFolder
    outcome: Outcome

    @property
    def results(self) -> tuple[PointResult, ...]:
        return read_journal(self.folder).results

    @property
    def rows(self) -> list[Row]:
        """Return the rows of `points`, as the store would get them."""
        return point_rows(read_journal(self.folder).record(0))

    @property
    def only(self) -> PointResult:
        (result,) = self.results
        assert result.samples is not None, result.error
        return result

    def diary(self, rank: int) -> Any:
        """Return what a rank says it did: planted_worker.Diary as JSON."""
        return json.loads((self.folder.path / f"planted-{rank}.json").read_text())

    def slept_ns(self, point_id: int = 0) -> dict[int, tuple[int, int]]:
        """Return (rank, how long it really slept) of every planted call."""
        ranks = range(self.only.point.world_size)
        return {call: (r, ns) for r in ranks for point, call, ns in self.diary(r)["slept"] if point == point_id}

    def decomposed(self) -> Decomposed:
        """Return T, S and L of the only point, as the store takes them."""
        result = self.only
        assert result.samples is not None
        return taken_apart(result, result.samples)

    def events(self) -> dict[int, Event]:
        """Return the slow calls of the only point, as the store finds them."""
        result = self.only
        assert result.samples is not None
        found = find_events(self.decomposed().calls, result.clock_bound_ns or 0, result.samples.wait_ns)
        return {event.call: event for event in found}

    def true_stamps(self) -> Ints:
        """Return the stamps of the only point as they truly were, shape (2, ranks, calls)."""
        ranks = range(self.only.point.world_size)
        rows = np.array([self.diary(r)["stamps"]["0"] for r in ranks], dtype=np.int64)
        return np.stack([rows[:, 0::2], rows[:, 1::2]])


def launch(
    folder: Path, fault: Fault, *, ranks: str = "[2]", sizes: str = "[4096]", copies: int = 1, **measure: str
) -> Launched:
    """Run one sweep on real ranks with a fault planted; `measure` holds values of [measure] as TOML text."""
    suite = folder / "planted.toml"
    chosen = {**_USUAL, **measure}
    if "stopping" in measure:
        del chosen["iterations"]
    settings = "\n".join(f"{name} = {value}" for name, value in chosen.items())
    suite.write_text(_SUITE.format(sizes=sizes, ranks=ranks, measure=settings))
    plan = expand(load(str(suite)))
    if copies > 1:
        points = [replace(point, point_id=i) for i, point in enumerate(plan.points * copies)]
        plan = replace(plan, points=tuple(points))
    journal = create_journal(folder / "journal", plan)
    command = local_ranks(plan.world_size, journal.path, (str(_WORKER), fault.to_text()))
    _, outcome = run_session(journal, SessionStart((), "", "adhoc"), command, _Quiet(), _Quiet())
    is_measured = outcome.exit_state in {ExitState.COMPLETE, ExitState.WRONG}
    assert is_measured, f"{outcome}\n{journal.launch_log(0).read_text()[-2000:]}"
    return Launched(fault, journal, outcome)
