from dataclasses import replace

import pytest

from commbench.errors import ExitCode, UnfitError
from commbench.model.plan import Plan, Protocol, Stopping
from commbench.plan.capacity import check
from commbench.plan.machine import Machine

LAPTOP = Machine(cpu_count=2, memory_bytes=8 * 2**30, gpu_count=1)
PLAN = Plan("mine", "", "", "gloo", 2, 1, Protocol(Stopping("fixed", 1), 0, 1, 1.0), ())


def complaint(backend: str, ranks: int, machine: Machine = LAPTOP) -> str:
    with pytest.raises(UnfitError) as caught:
        check(replace(PLAN, backend=backend, world_size=ranks), machine)
    assert caught.value.exit_code is ExitCode.UNFIT
    return str(caught.value)


@pytest.mark.parametrize(("backend", "ranks"), [("gloo", 2), ("gloo", 27), ("nccl", 1), ("simulated", 4096)])
def test_what_fits_passes(backend: str, ranks: int) -> None:
    check(replace(PLAN, backend=backend, world_size=ranks), LAPTOP)


def test_nccl_needs_a_gpu_for_each_rank() -> None:
    assert complaint("nccl", 2) == (
        "2 ranks over nccl need a CUDA GPU each, but this host has 1; use --ranks 1 or backend = 'gloo' in the suite"
    )
    assert complaint("nccl", 2, replace(LAPTOP, gpu_count=0)).endswith("has 0; use backend = 'gloo' in the suite")


def test_gloo_takes_at_most_16_ranks_per_core() -> None:
    assert complaint("gloo", 33) == (
        "33 ranks on the 2 CPU cores of this host would only measure its scheduler; use --ranks 32 or fewer "
        "(16 per core), or more hosts"
    )


def test_gloo_needs_memory_for_each_rank() -> None:
    assert complaint("gloo", 4, replace(LAPTOP, memory_bytes=2**30)) == (
        "4 ranks need 1.17 GiB of memory before their first buffer, but this host has 1 GiB available; free some, "
        "use --ranks 3 or fewer, or more hosts"
    )


def test_a_simulation_has_a_limit_too() -> None:
    assert "use --ranks 4096 or fewer" in complaint("simulated", 4097)
