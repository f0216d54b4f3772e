"""One rank's way through a launch: hear the next step, do it, and on rank 0 decide what follows."""

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

from commbench import __version__
from commbench.backend import Backend, Meeting
from commbench.environment.commit import commit
from commbench.environment.host import host_facts
from commbench.fabric.nccl_facts import NcclLog
from commbench.journal.codec import result_to_json
from commbench.journal.write import LineWriter
from commbench.measure.overhead import overhead_ns
from commbench.measure.perform import Performer
from commbench.measure.proof import evidence_of
from commbench.measure.schedule import Schedule
from commbench.measure.steps import Do, Step, from_text, to_text
from commbench.measure.stopping import stopping_rule
from commbench.measure.tally import Closed, Gathered, Opened, Tally, Visited
from commbench.model.environment import Environment, HostFacts
from commbench.model.placement import ranks_of
from commbench.model.plan import Plan
from commbench.model.result import PointResult, Status

Todo = Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class RankSession:
    """One rank's part in a launch; every rank follows the steps that rank 0 announces.

    A rank that takes no part in a step goes straight back to waiting for the next one, asleep in the kernel: that is
    how ranks are parked.
    """

    plan: Plan
    backend: Backend
    meeting: Meeting
    performer: Performer

    def follow(self) -> None:
        """Do what rank 0 announces until it announces the end."""
        for number in itertools.count():
            for step in from_text(self.meeting.hear(f"steps/{number}")):
                if step.do is Do.END:
                    return
                self.do(step)

    def do(self, step: Step) -> Opened | Visited | Gathered | Closed | None:
        """Do one step and return what came of it on rank 0."""
        point = self.plan.points[step.point_id]
        ranks = ranks_of(self.plan, point)
        group = self.backend.group(ranks)
        if group is None:
            return None
        self.performer.board.begin(step.point_id)
        if step.do is Do.OPEN:
            return self.performer.open(point, group, ranks)
        if step.do is Do.VISIT:
            return self.performer.visit(point, step.calls)
        if step.do is Do.GATHER:
            return self.performer.gather(point, group)
        return self.performer.close(point, group)


class Leader:
    """Rank 0: decides the steps, does its own part in them, and journals every finished point before the next step."""

    def __init__(
        self,
        session: RankSession,
        writer: LineWriter,
        wants_stop: Callable[[], bool],
        probed: NcclLog | None = None,
    ) -> None:
        self._session, self._writer, self._wants_stop, self._probed = session, writer, wants_stop, probed
        self._plan = session.plan
        self._tallies: dict[int, Tally] = {}
        self._rule = stopping_rule(session.plan.protocol.stopping)
        self._hosts: tuple[str, ...] = ()
        self._overhead_ns = 0

    def lead(self, todo: Todo, ranks: Sequence[HostFacts]) -> None:
        """Measure the points still to do, given as (point_id, attempt), or as many as there is time for."""
        self._hosts = tuple(facts.hostname for facts in ranks)
        environment = Environment(__version__, commit(), _by_host(ranks))
        self._writer.write("environment", environment=asdict(environment), at_ns=time.time_ns())
        self._skip(todo)
        self._tallies = {
            point_id: Tally(self._plan.points[point_id], attempt)
            for point_id, attempt in todo
            if not self._plan.points[point_id].skip_reason
        }
        schedule = Schedule(self._tallies, self._rule, self._visit_calls, self._wants_stop, self._plan.seed)
        is_interleaved = self._plan.protocol.schedule == "interleaved"
        orders = schedule.interleaved if is_interleaved else schedule.sequential
        number = 0
        for number, steps in enumerate(orders(list(self._tallies)), start=1):
            self._session.meeting.announce(f"steps/{number - 1}", to_text(steps))
            for step in steps:
                self._take(step)
        self._session.meeting.announce(f"steps/{number}", to_text([Step(Do.END)]))

    def _take(self, step: Step) -> None:
        tally = self._tallies[step.point_id]
        # Interleaved points take turns, and each turn has a limit of its own.
        if step.do is Do.OPEN or (step.do is Do.VISIT and self._plan.protocol.schedule == "interleaved"):
            started = {"point_id": step.point_id, "attempt": tally.attempt}
            self._writer.write("started", **started, at_ns=time.time_ns(), durable=False)
        outcome = self._session.do(step)
        if isinstance(outcome, Opened):
            tally.opened = outcome
            self._overhead_ns = self._overhead_ns or self._measure_overhead(step)
        elif isinstance(outcome, Visited):
            tally.add(outcome)
        elif isinstance(outcome, Gathered):
            tally.add_gathered(outcome)
        elif isinstance(outcome, Closed):
            clock = self._session.backend.clock
            result = tally.result(outcome, self._rule, (clock.name, clock.resolution_ns), self._overhead_ns)
            hosts = tuple(self._hosts[rank] for rank in ranks_of(self._plan, tally.point))
            evidence = evidence_of(self._plan, tally.point, outcome.traffic, self._probed)
            self._write(replace(result, hosts=hosts, evidence=evidence))

    def _measure_overhead(self, step: Step) -> int:
        group = self._session.backend.group(ranks_of(self._plan, self._plan.points[step.point_id]))
        assert group is not None, "rank 0 is in every group"  # noqa: S101 - a programming error
        return overhead_ns(group, self._session.backend.clock, self._session.performer.wait)

    def _visit_calls(self, point_id: int) -> int:
        opened = self._tallies[point_id].opened
        assert opened is not None, "a point is opened before it is visited"  # noqa: S101 - a programming error
        return opened.visit_calls

    def _skip(self, todo: Todo) -> None:
        for point_id, attempt in todo:
            point = self._plan.points[point_id]
            if point.skip_reason:
                self._write(PointResult(point, attempt, Status.SKIPPED, time.time_ns(), error=point.skip_reason))

    def _write(self, result: PointResult) -> None:
        self._writer.write("result", result=result_to_json(result), at_ns=time.time_ns())


def facts_of_all(backend: Backend) -> Sequence[HostFacts]:
    """Return what every rank knows of its host, in rank order, on rank 0; nothing elsewhere."""
    return backend.gather_facts(backend.complete_facts(host_facts()))


def _by_host(ranks: Sequence[HostFacts]) -> tuple[HostFacts, ...]:
    """Return one entry per host, naming all its ranks; the other facts are those of its first rank."""
    hosts: dict[str, HostFacts] = {}
    for facts in ranks:
        known = hosts.setdefault(facts.hostname, replace(facts, ranks=()))
        hosts[facts.hostname] = replace(known, ranks=tuple(sorted({*known.ranks, *facts.ranks})))
    return tuple(hosts.values())
