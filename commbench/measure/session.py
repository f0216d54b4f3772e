"""One rank's way through a plan: point after point, each on disk before the next begins."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace

from commbench import __version__
from commbench.backend import Backend, Meeting
from commbench.environment.commit import commit
from commbench.environment.host import host_facts
from commbench.journal.codec import result_to_json
from commbench.journal.write import LineWriter
from commbench.measure.point import PointRunner
from commbench.measure.progress import ProgressBoard
from commbench.model.environment import Environment, HostFacts
from commbench.model.plan import Plan
from commbench.model.point import Point
from commbench.model.result import PointResult, Status

_GO, _STOP = "go", "stop"


@dataclass(frozen=True, slots=True)
class RankSession:
    """One rank's part in a session of a run; rank 0 alone has the journal's writer."""

    plan: Plan
    backend: Backend
    meeting: Meeting
    board: ProgressBoard
    writer: LineWriter | None
    wants_stop: Callable[[], bool]

    def run(self, todo: Sequence[tuple[int, int]]) -> bool:
        """Measure the points still to do, given as (point_id, attempt).

        Returns True at the end of the plan, False when a stop was asked for. Rank 0 has the last word before every
        point and the others wait for it in the kernel, which is also how ranks that take no part are parked.
        """
        runner = PointRunner(self.plan.protocol, self.backend, self.board, self._record_environment())
        for point_id, attempt in todo:
            key = f"point/{point_id}/{attempt}"
            if self.writer is not None:
                self.meeting.announce(key, _STOP if self.wants_stop() else _GO)
            if self.meeting.hear(key) == _STOP:
                return False
            result = self._finish(runner, self.plan.points[point_id], attempt)
            if self.writer is not None and result is not None:
                self.writer.write("result", result=result_to_json(result), at_ns=time.time_ns())
        return True

    def _finish(self, runner: PointRunner, point: Point, attempt: int) -> PointResult | None:
        if point.skip_reason:
            return PointResult(point, attempt, Status.SKIPPED, time.time_ns(), error=point.skip_reason)
        self.board.begin(point.point_id)
        if self.writer is not None:
            self.writer.write("started", point_id=point.point_id, attempt=attempt, at_ns=time.time_ns())
        return runner.measure(point, attempt)

    def _record_environment(self) -> tuple[str, ...]:
        """Journal what every host is; return the host of each rank, on rank 0."""
        ranks = self.backend.gather_facts(self.backend.complete_facts(host_facts()))
        if self.writer is not None:
            environment = Environment(__version__, commit(), _by_host(ranks))
            self.writer.write("environment", environment=asdict(environment), at_ns=time.time_ns())
        return tuple(facts.hostname for facts in ranks)


def _by_host(ranks: Sequence[HostFacts]) -> tuple[HostFacts, ...]:
    """Return one entry per host, naming all its ranks; the other facts are those of its first rank."""
    hosts: dict[str, HostFacts] = {}
    for facts in ranks:
        known = hosts.setdefault(facts.hostname, replace(facts, ranks=()))
        hosts[facts.hostname] = replace(known, ranks=tuple(sorted({*known.ranks, *facts.ranks})))
    return tuple(hosts.values())
