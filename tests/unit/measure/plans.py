"""Simulated plans of single points, with the truth in the test's hands."""

from collections.abc import Callable
from typing import Any

from commbench.backend.meeting import LocalMeeting
from commbench.backend.simulated import SimulatedBackend
from commbench.collectives import get
from commbench.environment.noise import NoiseGauge
from commbench.environment.schedstat import RunQueueWait
from commbench.journal.codec import result_from_json
from commbench.measure.align import ClockAlignment
from commbench.measure.perform import Performer
from commbench.measure.progress import ProgressBoard
from commbench.measure.session import Leader, RankSession, facts_of_all
from commbench.model.plan import Plan, Protocol, Stopping, Truth
from commbench.model.point import Point
from commbench.model.result import PointResult

QUIET = Truth(alpha_us=5.0, beta_gb_s=10.0, noise_sigma=0.0, arrival_us=0.0)


def make_point(collective: str, size_bytes: int, world_size: int, traffic_skew: float = 0.0) -> Point:
    geometry = get(collective).geometry(size_bytes, 4, world_size, traffic_skew)
    return Point(
        *(0, collective, size_bytes, geometry.size_bytes, geometry.count, "float32", "none", world_size, 1),
        *(False, "simulated", "simulated", "isolated", "eager", traffic_skew, 0, 0.0),
    )


def make_plan(point: Point, truth: Truth, iterations: int = 3, seed: int = 1) -> Plan:
    protocol = Protocol(Stopping("fixed", iterations=iterations), 2, 20, 60.0)
    return Plan("tiny", "hash", "text", "simulated", point.world_size, seed, protocol, (point,), truth)


class Lines:
    """A journal kept in memory."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.results = plan, list[PointResult]()
        self.kinds: list[str] = []

    def write(self, kind: str, *, durable: bool = True, **fields: Any) -> None:
        self.kinds.append(kind)
        if kind == "result":
            self.results.append(result_from_json(fields["result"], self.plan))


def simulate_all(plan: Plan, wants_stop: Callable[[], bool] = lambda: False) -> Lines:
    """Measure a plan as rank 0 would."""
    backend, lines = SimulatedBackend(plan), Lines(plan)
    alignment = ClockAlignment(None, shares_clock=True)
    performer = Performer(plan.protocol, backend, ProgressBoard(None, 0), alignment, NoiseGauge(), RunQueueWait())
    session = RankSession(plan, backend, LocalMeeting(), performer)
    todo = [(point.point_id, 0) for point in plan.points]
    Leader(session, lines, wants_stop).lead(todo, facts_of_all(backend))
    return lines


def simulate(plan: Plan) -> PointResult:
    """Measure the plan's only point as rank 0 would."""
    (result,) = simulate_all(plan).results
    return result
