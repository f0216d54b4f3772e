"""Make a plan of a suite: the product of its lists in a fixed order, each point costed, hopeless ones skipped.

Points that share a process group stand together, sizes ascend within them, and a point's id is its position.
"""

from math import prod
from pathlib import Path

from commbench.collectives import COLLECTIVES, Collective
from commbench.errors import SuiteError, UsageError
from commbench.model.dtype import NO_REDOP
from commbench.model.plan import Plan, Protocol, Stopping, Truth
from commbench.model.point import SIMULATED
from commbench.plan.load import LoadedSuite
from commbench.plan.machine import GPUS, PROC, available_memory_bytes, usable_gpu_count
from commbench.plan.points import PointMaker, Variables
from commbench.plan.suite import ADAPTIVE, BUDGET, FIXED, MAX_RANKS, Measure, Suite, Sweep
from commbench.plan.support import check, choose_backend

DEFAULT_WORLD_SIZE = 2
ADAPTIVE_LIMIT_S = 20.0  # in timed calls of one point; what is not known by then is said to be so
MAX_POINTS = 100_000  # at a tenth of a second each that is three hours of overhead alone
_REASONS_SHOWN = 3


def expand(
    loaded: LoadedSuite,
    world_size: int | None = None,
    *,
    gpu_root: Path = PROC / GPUS,
    memory_bytes_available: int | None = None,
) -> Plan:
    """Return all points of a suite in the order in which they are measured.

    `world_size` is --ranks; without it the world is as large as the suite's largest rank count. Memory is that of
    this host, in bytes; without it what is available now counts for gloo, and nothing is limited elsewhere.

    Raises:
        UsageError: the suite asks for more ranks than the world has, or for what the backend lacks.
        SuiteError: there is nothing to measure, or far too much.
    """
    suite = loaded.suite
    ranks = _rank_counts(suite, world_size)
    world_size = world_size or max(ranks)
    backend = choose_backend(suite.sweep.backend, world_size, usable_gpu_count(gpu_root))
    check(backend, suite.sweep.collectives, suite.sweep.dtypes, suite.sweep.redops, suite.sweep.launch)
    if memory_bytes_available is None and backend == "gloo":
        memory_bytes_available = available_memory_bytes()
    protocol = _protocol(suite.measure)
    variables = _product(suite.sweep, ranks, suite.about.name, protocol.launches)
    maker = PointMaker(backend, protocol, memory_bytes_available, shared_gpu=suite.sweep.shared_gpu)
    plan = Plan(
        suite=suite.about.name,
        suite_hash=loaded.hash,
        suite_text=loaded.text,
        backend=backend,
        world_size=world_size,
        seed=suite.about.seed,
        protocol=protocol,
        points=tuple(maker.make(each, launch) for launch in range(protocol.launches) for each in variables),
        truth=Truth(**suite.simulated.model_dump()) if backend == SIMULATED else Truth(),
    )
    _check_not_empty(plan)
    return plan


def _rank_counts(suite: Suite, world_size: int | None) -> tuple[int, ...]:
    if world_size is not None and not 1 <= world_size <= MAX_RANKS:
        raise UsageError(f"--ranks {world_size}: a world has 1 to {MAX_RANKS} ranks")
    ranks = tuple(sorted(suite.sweep.ranks))
    if not ranks:
        largest = world_size or DEFAULT_WORLD_SIZE
        powers = (2**exponent for exponent in range(1, largest.bit_length()))
        return tuple(sorted({*(power for power in powers if power <= largest), largest}))
    beyond = [str(count) for count in ranks if world_size is not None and count > world_size]
    if beyond:
        raise UsageError(
            f"--ranks {world_size} is fewer than suite {suite.about.name!r} asks for (sweep.ranks has "
            f"{', '.join(beyond)}); use --ranks {max(ranks)}, or remove sweep.ranks to measure what there is"
        )
    return ranks


def _protocol(measure: Measure) -> Protocol:
    return Protocol(
        stopping=_stopping(measure),
        warmup_iterations=measure.warmup_iterations,
        visit_iterations=measure.visit_iterations,
        point_limit_s=measure.point_limit_s,
        verify=measure.verify,
        warmup=measure.warmup,
        schedule=measure.schedule,
        launches=measure.launches,
        verify_share=measure.verify_share if measure.verify else 0.0,
        clock_sync=measure.clock_sync,
    )


def _stopping(measure: Measure) -> Stopping:
    if measure.stopping == FIXED:
        return Stopping(FIXED, iterations=measure.iterations)
    if measure.stopping == BUDGET:
        return Stopping(
            BUDGET,
            min_iterations=measure.min_iterations,
            max_iterations=measure.max_iterations,
            budget_s=measure.budget_s,
        )
    return Stopping(
        ADAPTIVE,
        epsilon=measure.epsilon,
        max_visits=measure.max_visits,
        min_span_s=measure.min_span_s,
        budget_s=measure.budget_s if "budget_s" in measure.model_fields_set else ADAPTIVE_LIMIT_S,
    )


def _product(sweep: Sweep, ranks: tuple[int, ...], suite_name: str, launches: int) -> list[Variables]:
    axes = [(COLLECTIVES[name], _axes(COLLECTIVES[name], sweep)) for name in sweep.collectives]
    sizes = sweep.sizes_bytes
    common = prod(map(len, (sizes, sweep.dtypes, sweep.cadence, sweep.launch)))
    per_collective = [common * prod(map(len, own)) for _, own in axes]
    if (points := launches * len(ranks) * sum(per_collective)) > MAX_POINTS:
        raise SuiteError(f"suite {suite_name!r} has {points} points, more than {MAX_POINTS}; shorten its lists")
    return [
        Variables(collective, size, dtype, redop, count, in_place, cadence, launch, skew)
        for count in ranks
        for collective, (redops, placements, skews) in axes
        for dtype in sweep.dtypes
        for redop in redops
        for in_place in placements
        for skew in skews
        for cadence in sweep.cadence
        for launch in sweep.launch
        for size in sizes
    ]


def _axes(collective: Collective, sweep: Sweep) -> tuple[tuple[str, ...], tuple[bool, ...], tuple[float, ...]]:
    """Return the redops, placements and skews of a collective: only the ones that mean something to it vary."""
    return (
        sweep.redops if collective.reduces else (NO_REDOP,),
        sweep.in_place or collective.placements[:1],
        sweep.traffic_skew if collective.is_uneven else (0.0,),
    )


def _check_not_empty(plan: Plan) -> None:
    reasons = list(dict.fromkeys(point.skip_reason for point in plan.points))
    if "" in reasons:
        return
    shown = "\n".join(f"  {reason}" for reason in reasons[:_REASONS_SHOWN])
    more = f"\n  and {len(reasons) - _REASONS_SHOWN} more reasons" if len(reasons) > _REASONS_SHOWN else ""
    raise SuiteError(
        f"suite {plan.suite!r} has nothing to measure: each of its {len(plan.points)} points is skipped\n{shown}{more}"
    )
