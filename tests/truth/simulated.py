"""Run a plan on the simulated fabric in this process, as rank 0 leads it."""

from typing import Any

from commbench.backend.meeting import LocalMeeting
from commbench.backend.simulated import SimulatedBackend
from commbench.collectives import get
from commbench.journal.codec import result_from_json
from commbench.launch.inprocess import undisturbed
from commbench.measure.align import ClockAlignment
from commbench.measure.perform import Performer
from commbench.measure.progress import ProgressBoard
from commbench.measure.session import Leader, RankSession
from commbench.model.environment import HostFacts
from commbench.model.plan import Plan
from commbench.model.point import Point
from commbench.model.result import PointResult


class _Results:
    """A journal that keeps results only."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.results = plan, list[PointResult]()

    def write(self, kind: str, *, durable: bool = True, **fields: Any) -> None:
        if kind == "result":
            self.results.append(result_from_json(fields["result"], self.plan))


def point_of(collective: str, size_bytes: int, world_size: int, point_id: int = 0) -> Point:
    geometry = get(collective).geometry(size_bytes, 4, world_size, 0.0)
    return Point(
        *(point_id, collective, size_bytes, geometry.size_bytes, geometry.count, "float32", "sum", world_size, 1),
        *(True, "simulated", "simulated", "isolated", "host", 0.0, 0, 0.0),
    )


def results_of(plan: Plan) -> list[PointResult]:
    """Return the results of all points of a simulated plan."""
    backend, results = SimulatedBackend(plan), _Results(plan)
    alignment = ClockAlignment(None, shares_clock=True)
    performer = Performer(plan.protocol, backend, ProgressBoard(None, 0), alignment, *undisturbed())
    session = RankSession(plan, backend, LocalMeeting(), performer)
    todo = [(point.point_id, 0) for point in plan.points]
    Leader(session, results, lambda: False).lead(todo, [HostFacts("simulated")] * plan.world_size)
    return results.results
