"""Small records to store, with every field under the test's control."""

from dataclasses import replace
from typing import Any

import numpy as np

from commbench import collectives
from commbench.model.environment import Environment, HostFacts
from commbench.model.plan import Plan, Protocol, Stopping
from commbench.model.point import Point
from commbench.model.result import Correctness, PointResult, Samples, Status
from commbench.model.run import ExitState, Record, Session

STARTED_AT_NS = 1_772_323_200_000_000_000  # 2026-03-01 00:00:00 UTC
WORLD_SIZE = 2
CALLS = 5


def make_point(point_id: int = 0, **changes: Any) -> Point:
    """Return an all_reduce of float32 on two ranks, changed as asked."""
    fields: dict[str, Any] = {
        "collective": "all_reduce",
        "requested_bytes": 1024,
        "dtype": "float32",
        "redop": "sum",
        "world_size": WORLD_SIZE,
        "nodes": 1,
        "in_place": False,
        "backend": "gloo",
        "fabric": "tcp",
        "cadence": "isolated",
        "launch": "eager",
        "traffic_skew": 0.0,
        "memory_bytes": 4096,
        "estimate_s": 0.1,
    } | changes
    geometry = collectives.get(fields["collective"]).geometry(fields["requested_bytes"], 4, fields["world_size"], 0.0)
    fields = {"size_bytes": geometry.size_bytes, "count": geometry.count} | fields
    return Point(point_id=point_id, **fields)


def make_samples(seed: int = 0, ranks: int = WORLD_SIZE, calls: int = CALLS) -> Samples:
    """Return calls of 10 to 20 us, one every 30 us."""
    random = np.random.default_rng(seed)
    enter_ns = np.arange(calls, dtype=np.int64) * 30_000 + random.integers(0, 500, (ranks, calls), dtype=np.int64)
    return Samples(enter_ns, enter_ns + random.integers(10_000, 20_000, (ranks, calls), dtype=np.int64))


def make_result(point: Point | None = None, **changes: Any) -> PointResult:
    """Return a first, right attempt at the point, changed as asked."""
    result = PointResult(
        point=point or make_point(),
        attempt=0,
        status=Status.OK,
        started_at_ns=STARTED_AT_NS + 1_000_000_000,
        samples=make_samples(point.point_id if point else 0),
        warmup_iterations=3,
        visit_calls=(CALLS,),
        clock_bound_ns=0,
        overhead_ns=400,
        stopping="fixed",
        first_call_us=812.5,
        timer="perf_counter_ns",
        timer_resolution_ns=40.0,
        hosts=("node-a", "node-a"),
    )
    return replace(result, **changes)


def lost_result(point: Point, attempt: int = 0) -> PointResult:
    """Return an attempt that a rank's death ended."""
    return make_result(
        point, attempt=attempt, status=Status.ERROR, error="rank 1 died", samples=None, timer="", first_call_us=None
    )


def wrong_result(point: Point) -> PointResult:
    """Return an attempt that gave a wrong element."""
    return make_result(point, status=Status.WRONG, correctness=Correctness(3, rank=1, index=7, expected=2.0, got=5.0))


def make_record(run_id: str = "run-1", *results: PointResult, session: int = 0, **changes: Any) -> Record:
    """Return one session of a run; without results it measured two points."""
    results = results or (make_result(make_point(0)), make_result(make_point(1, requested_bytes=4096)))
    protocol = Protocol(Stopping("fixed", iterations=CALLS), 3, CALLS, 60.0)
    plan = Plan(
        suite="smoke",
        suite_hash="abc123",
        suite_text='name = "smoke"\n',
        backend="gloo",
        world_size=WORLD_SIZE,
        seed=1,
        protocol=protocol,
        points=tuple({result.point.point_id: result.point for result in results}.values()),
    )
    sitting = Session(
        run_id=run_id,
        session=session,
        started_at_ns=STARTED_AT_NS,
        ended_at_ns=STARTED_AT_NS + 9_000_000_000,
        launcher="local",
        argv=("commbench", "run", "smoke"),
        cluster="lab",
        purpose="adhoc",
        exit_state=ExitState.COMPLETE,
    )
    host = HostFacts("node-a", ranks=(0, 1), torch_version="2.13.0", variables={"OMP_NUM_THREADS": "1"})
    environment = Environment("0.1.0", "17acb56", (host,))
    return Record(replace(sitting, **changes), plan, environment, results)
