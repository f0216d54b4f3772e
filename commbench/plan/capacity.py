"""Can this machine hold the plan's ranks? Asked before anything starts, so that the answer is a sentence."""

from commbench.errors import UnfitError
from commbench.model.plan import Plan
from commbench.model.point import SIMULATED
from commbench.plan.machine import Machine, this_machine
from commbench.units import format_size

RANKS_PER_CORE = 16  # beyond that, ranks mostly wait for a core: times would be the scheduler's
RANK_MEMORY_BYTES = 300 * 2**20  # what a Python process with torch takes before its first buffer
SIMULATED_RANKS = 4096  # one process holds all simulated ranks


def check(plan: Plan, machine: Machine | None = None) -> None:
    """Check that this machine can hold the plan's ranks.

    Raises:
        UnfitError: it cannot; the message says what is short and how many ranks would do.
    """
    machine = machine or this_machine()
    is_shared = any(point.shared_gpu for point in plan.points)
    gpus = _a_gpu_to_share if is_shared else _gpus
    {"nccl": gpus, "gloo": _cores_and_memory, SIMULATED: _simulation}[plan.backend](plan.world_size, machine)


def _a_gpu_to_share(ranks: int, machine: Machine) -> None:
    if not machine.gpu_count:
        raise UnfitError(f"{ranks} ranks over nccl may share a CUDA GPU, but this host has none; use backend = 'gloo'")


def _gpus(ranks: int, machine: Machine) -> None:
    if ranks > machine.gpu_count:
        advice = f"use --ranks {machine.gpu_count} or " if machine.gpu_count else "use "
        raise UnfitError(
            f"{ranks} ranks over nccl need a CUDA GPU each, but this host has {machine.gpu_count}; "
            f"{advice}backend = 'gloo' in the suite"
        )


def _cores_and_memory(ranks: int, machine: Machine) -> None:
    by_cores = machine.cpu_count * RANKS_PER_CORE
    if ranks > by_cores:
        raise UnfitError(
            f"{ranks} ranks on the {machine.cpu_count} CPU cores of this host would only measure its scheduler; "
            f"use --ranks {by_cores} or fewer ({RANKS_PER_CORE} per core), or more hosts"
        )
    by_memory = machine.memory_bytes // RANK_MEMORY_BYTES
    if ranks > by_memory:
        raise UnfitError(
            f"{ranks} ranks need {format_size(ranks * RANK_MEMORY_BYTES)} of memory before their first buffer, but "
            f"this host has {format_size(machine.memory_bytes)} available; free some, use --ranks {max(by_memory, 1)} "
            "or fewer, or more hosts"
        )


def _simulation(ranks: int, _machine: Machine) -> None:
    if ranks > SIMULATED_RANKS:
        raise UnfitError(
            f"{ranks} simulated ranks are more than the one process that holds them can take; "
            f"use --ranks {SIMULATED_RANKS} or fewer"
        )
