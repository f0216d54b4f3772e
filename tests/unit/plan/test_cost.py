import pytest

from commbench.collectives import COLLECTIVES
from commbench.model.plan import Protocol, Stopping
from commbench.plan.cost import memory_bytes, point_s

FIXED = Protocol(Stopping("fixed", iterations=50), 5, 20, 60.0)
KIB, MIB = 2**10, 2**20


@pytest.mark.parametrize(
    ("name", "in_place", "expected"),
    [
        ("all_reduce", True, MIB + MIB // 4),
        ("all_gather", False, MIB // 4 + MIB + MIB // 4),
        ("all_gather", True, MIB + MIB // 4),
        ("reduce_scatter", False, MIB + MIB // 4 + MIB // 16),
        ("all_to_all", False, 2 * MIB + MIB // 4),
        ("send_recv", False, 2 * MIB + MIB // 4),
    ],
)
def test_memory_is_both_buffers_and_a_byte_for_each_received_element(name: str, in_place: bool, expected: int) -> None:
    row = COLLECTIVES[name]
    assert memory_bytes(row, row.geometry(MIB, 4, 4, 0.0), in_place=in_place) == expected


def test_memory_of_an_uneven_exchange_is_that_of_the_most_loaded_rank() -> None:
    row = COLLECTIVES["all_to_all_v"]
    even, uneven = (memory_bytes(row, row.geometry(MIB, 4, 4, skew), in_place=False) for skew in (0.0, 2.0))
    assert even == 2 * MIB + MIB // 4
    assert uneven > even


@pytest.mark.parametrize("name", sorted(COLLECTIVES))
@pytest.mark.parametrize("backend", ["gloo", "nccl"])
def test_time_grows_with_size_and_is_capped_by_the_limit(name: str, backend: str) -> None:
    row = COLLECTIVES[name]
    small, large, huge = (point_s(row, row.geometry(size, 4, 4, 0.0), backend, FIXED) for size in (KIB, MIB, 2**42))
    assert 0 < small < large < huge == FIXED.point_limit_s


def test_a_budget_is_spent_unless_the_limits_of_calls_say_otherwise() -> None:
    row = COLLECTIVES["all_reduce"]
    geometry = row.geometry(KIB, 4, 2, 0.0)

    def seconds(minimum: int, maximum: int) -> float:
        stopping = Stopping("budget", min_iterations=minimum, max_iterations=maximum, budget_s=2.0)
        return point_s(row, geometry, "gloo", Protocol(stopping, 0, 20, 60.0, verify=False))

    assert seconds(1, 10**6) == pytest.approx(2.0, rel=0.15)
    assert seconds(1, 10) < 0.3
    assert seconds(10**4, 10**6) > 3


def test_a_simulation_is_nearly_free() -> None:
    row = COLLECTIVES["all_reduce"]
    assert point_s(row, row.geometry(2**30, 4, 8, 0.0), "simulated", FIXED) < 0.02
