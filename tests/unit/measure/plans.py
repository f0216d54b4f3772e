"""Simulated plans of single points, with the truth in the test's hands."""

from commbench.backend.simulated import SimulatedBackend
from commbench.collectives import get
from commbench.measure.point import PointRunner
from commbench.measure.progress import ProgressBoard
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


def simulate(plan: Plan) -> PointResult:
    """Measure the plan's only point as rank 0 would."""
    runner = PointRunner(plan.protocol, SimulatedBackend(plan), ProgressBoard(None, 0), ("here",) * plan.world_size)
    result = runner.measure(plan.points[0], attempt=0)
    assert result is not None
    return result
