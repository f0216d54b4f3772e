"""Make a plan of a suite: the product of its lists in a fixed order, each point costed, hopeless ones skipped.

Points that share a process group stand together, sizes ascend within them, and a point's id is its position.
"""

from collections.abc import Sequence
from math import prod
from pathlib import Path

from commbench.collectives import COLLECTIVES, Collective
from commbench.errors import SuiteError
from commbench.model.dtype import ALL_DTYPES, NO_REDOP
from commbench.model.gradients import GradientSet
from commbench.model.plan import Plan, Protocol, Stopping, Truth
from commbench.model.point import SIMULATED
from commbench.plan.decide import decide_share, most_blocks
from commbench.plan.fabrics import cross_hosts, fabric_choices, launches
from commbench.plan.gradients import gradient_sets
from commbench.plan.load import LoadedSuite
from commbench.plan.machine import GPUS, PROC, available_memory_bytes, usable_gpu_count
from commbench.plan.points import PointMaker, Variables
from commbench.plan.suite import ADAPTIVE, BUDGET, FIXED, Measure, Suite, Sweep
from commbench.plan.support import check, choose_backend
from commbench.plan.worlds import World, worlds

ADAPTIVE_LIMIT_S = 20.0  # in timed calls of one point; what is not known by then is said to be so
MAX_POINTS = 100_000  # at a tenth of a second each that is three hours of overhead alone
_REASONS_SHOWN = 3


def expand(
    loaded: LoadedSuite,
    world_size: int | None = None,
    *,
    nodes: int | None = None,
    fabrics: Sequence[str] = (),
    gpu_root: Path = PROC / GPUS,
    memory_bytes_available: int | None = None,
) -> Plan:
    """Return all points of a suite in the order in which they are measured.

    `world_size` is --ranks; without it the world is as large as the suite's largest rank count. `nodes` is on how many
    hosts the ranks are; without it on as many as the suite names, or on one. `fabrics` is --fabrics, in place of the
    suite's own. Memory is that of a host, in bytes; without it what is available now counts for gloo, and nothing is
    limited elsewhere.

    Raises:
        UsageError: the suite asks for more ranks or hosts than there are, or for what the backend lacks.
        SuiteError: there is nothing to measure, or far too much.
    """
    suite = loaded.suite
    allocation, wanted = worlds(suite, world_size, nodes, across_hosts=cross_hosts(suite, fabrics))
    on_this_host = min(allocation.world_size, allocation.ranks_per_node or allocation.world_size)
    backend = choose_backend(suite.sweep.backend, on_this_host, usable_gpu_count(gpu_root))
    check(backend, suite.sweep.collectives, suite.sweep.dtypes, suite.sweep.redops, suite.sweep.launch)
    if memory_bytes_available is None and backend == "gloo":
        memory_bytes_available = available_memory_bytes()
    protocol = _protocol(suite.measure)
    choices = fabric_choices(suite, backend, fabrics)
    all_launches = launches(most_blocks(suite.measure, choices), choices)
    is_bucketed = any(COLLECTIVES[name].is_bucketed for name in suite.sweep.collectives)
    sets = gradient_sets(suite.sweep.gradients, loaded.path.parent) if is_bucketed else ()
    variables = _product(suite, wanted, sets, len(all_launches))
    maker = PointMaker(backend, protocol, memory_bytes_available, shared_gpu=suite.sweep.shared_gpu)
    plan = Plan(
        suite=suite.about.name,
        suite_hash=loaded.hash,
        suite_text=loaded.text,
        backend=backend,
        world_size=allocation.world_size,
        seed=suite.about.seed,
        protocol=protocol,
        points=tuple(maker.make(each, launch) for launch in all_launches for each in variables),
        truth=Truth(**suite.simulated.model_dump()) if backend == SIMULATED else Truth(),
        ranks_per_node=allocation.ranks_per_node,
        fabrics=choices,
        gradients=sets,
    )
    _check_not_empty(plan)
    return plan


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
        decide_share=decide_share(measure),
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


def _product(
    suite: Suite, wanted: tuple[World, ...], sets: tuple[GradientSet, ...], launch_count: int
) -> list[Variables]:
    sweep = suite.sweep
    axes = [(COLLECTIVES[name], _axes(COLLECTIVES[name], sweep)) for name in sweep.collectives]
    common = prod(map(len, (sweep.dtypes, sweep.cadence, sweep.launch)))
    per_collective = [common * len(_sizes(row, sweep, sets, 1)) * prod(map(len, own)) for row, own in axes]
    if (points := launch_count * len(wanted) * sum(per_collective)) > MAX_POINTS:
        raise SuiteError(f"suite {suite.about.name!r} has {points} points, more than {MAX_POINTS}; shorten its lists")
    return [
        Variables(
            *(collective, size, dtype, redop, world.world_size, in_place, cadence, launch, skew),
            nodes=world.nodes,
            placement=world.placement,
            gradients=gradients,
        )
        for world in wanted
        for collective, (redops, placements, skews) in axes
        for dtype in sweep.dtypes
        for redop in redops
        for in_place in placements
        for skew in skews
        for cadence in sweep.cadence
        for launch in sweep.launch
        for size, gradients in _sizes(collective, sweep, sets, ALL_DTYPES[dtype].size_bytes)
    ]


def _sizes(
    collective: Collective, sweep: Sweep, sets: tuple[GradientSet, ...], element_bytes: int
) -> list[tuple[int, str]]:
    """Return the sizes of a collective in bytes, each with its gradient set: that of a bucket follows from the set."""
    if collective.is_bucketed:
        return [(each.count * element_bytes, each.name) for each in sets]
    return [(size, "") for size in sweep.sizes_bytes]


def _axes(collective: Collective, sweep: Sweep) -> tuple[tuple[str, ...], tuple[bool, ...], tuple[float, ...]]:
    """Return the redops, placements and skews of a collective: only the ones that mean something to it vary."""
    if collective.is_bucketed:  # gradients are summed, and results have memory of their own
        return ("sum",), (False,), (0.0,)
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
