from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commbench.collectives import COLLECTIVES
from commbench.errors import SuiteError, UsageError
from commbench.model.dtype import DTYPES
from commbench.model.plan import Plan
from commbench.plan import expand as expand_module
from commbench.plan.expand import expand
from commbench.plan.load import load
from commbench.units import format_size

from .suites_for_tests import loaded

PLENTY = 2**60


def plan_of(folder: Path, sweep: str = "", measure: str = "", extra: str = "", ranks: int | None = None) -> Plan:
    return expand(loaded(folder, sweep, measure, extra), ranks, memory_bytes_available=PLENTY)


def test_points_of_one_group_stand_together_with_sizes_ascending(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        'collectives = ["broadcast", "all_reduce"]\nsizes = ["4KiB", 1024]\nranks = [4, 2]\nredops = ["sum", "max"]',
    )
    order = [(p.world_size, p.collective, p.redop, p.size_bytes) for p in plan.points]
    assert order == [
        (ranks, collective, redop, size)
        for ranks in (2, 4)
        for collective, redops in (("broadcast", ["none"]), ("all_reduce", ["sum", "max"]))
        for redop in redops
        for size in (1024, 4096)
    ]
    assert [p.point_id for p in plan.points] == list(range(len(order)))


def test_skew_multiplies_only_uneven_collectives(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, 'collectives = ["all_to_all", "all_to_all_v"]\ntraffic_skew = [0.0, 1.5]')
    assert [(p.collective, p.traffic_skew) for p in plan.points] == [
        ("all_to_all", 0.0),
        ("all_to_all_v", 0.0),
        ("all_to_all_v", 1.5),
    ]


def test_without_in_place_every_collective_takes_its_natural_placement(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, 'collectives = ["all_reduce", "all_gather"]')
    assert [p.in_place for p in plan.points] == [True, False]


def test_a_placement_that_torch_lacks_is_skipped_with_that_reason(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, 'collectives = ["all_reduce", "all_to_all"]\nin_place = [true, false]')
    assert [p.skip_reason for p in plan.points] == [
        "",
        "torch.distributed has no out-of-place all_reduce",
        "torch.distributed has no in-place all_to_all",
        "",
    ]


def test_a_size_that_rounds_to_nothing_is_skipped_and_told_the_smallest(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, 'collectives = ["all_gather"]\nsizes = [8, 64]\nranks = [4]')
    assert [p.skip_reason for p in plan.points] == [
        "8 B over 4 ranks rounds to 0 B per rank (nccl-tests rounds down to 16 B); the smallest size is 64 B",
        "",
    ]
    plan = plan_of(tmp_path, "sizes = [2, 4]")
    assert [p.skip_reason for p in plan.points] == ["2 B is less than one float32; the smallest size is 4 B", ""]


def test_a_size_that_rounds_to_an_earlier_one_is_skipped(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, 'collectives = ["all_gather"]\nsizes = [128, 130, 160]')
    assert [(p.size_bytes, p.skip_reason) for p in plan.points] == [
        (128, ""),
        (128, "same 128 B as point 0 after rounding"),
        (160, ""),
    ]


def test_send_recv_on_one_rank_is_skipped(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, 'collectives = ["send_recv"]\nranks = [1, 2]')
    assert [p.skip_reason for p in plan.points] == ["send_recv needs 2 ranks or more", ""]


def test_points_beyond_memory_are_skipped_with_both_numbers(tmp_path: Path) -> None:
    suite = loaded(tmp_path, 'sizes = ["1MiB", "1GiB"]')
    small, large = expand(suite, memory_bytes_available=2**30).points
    assert small.skip_reason == ""
    # 2 ranks x (1 GiB in place + one byte for each of 2^28 elements)
    assert large.skip_reason == "2 ranks need 2.5 GiB, more than 80% of the 1 GiB available on this host"
    assert large.estimate_s == 0


def test_a_simulation_needs_no_memory(tmp_path: Path) -> None:
    plan = expand(loaded(tmp_path, 'backend = "simulated"\nsizes = ["64GiB"]', extra="[simulated]\nalpha_us = 7"))
    assert plan.points[0].skip_reason == ""
    assert plan.truth.alpha_us == 7


@pytest.mark.parametrize(
    ("world_size", "counts"), [(None, [2]), (1, [1]), (2, [2]), (3, [2, 3]), (6, [2, 4, 6]), (8, [2, 4, 8])]
)
def test_absent_ranks_are_powers_of_two_up_to_the_world(world_size: int | None, counts: list[int]) -> None:
    plan = expand(load("full"), world_size, memory_bytes_available=PLENTY)
    assert sorted({p.world_size for p in plan.points}) == counts
    assert plan.world_size == counts[-1]


def test_ranks_set_the_world_and_must_cover_the_suite(tmp_path: Path) -> None:
    assert plan_of(tmp_path, "ranks = [2, 4]").world_size == 4
    assert plan_of(tmp_path, "ranks = [2, 4]", ranks=8).world_size == 8
    with pytest.raises(
        UsageError, match=r"--ranks 2 is fewer than suite 'mine' asks for \(sweep.ranks has 4, 8\); use"
    ):
        plan_of(tmp_path, "ranks = [2, 8, 4]", ranks=2)


@pytest.mark.parametrize("world_size", [0, -1, 10**9])
def test_an_impossible_world_is_a_usage_error(tmp_path: Path, world_size: int) -> None:
    with pytest.raises(UsageError, match=f"--ranks {world_size}: a world has 1 to 16384 ranks"):
        plan_of(tmp_path, ranks=world_size)


def test_a_suite_whose_points_are_all_skipped_is_an_error_with_the_reasons(tmp_path: Path) -> None:
    with pytest.raises(SuiteError) as caught:
        plan_of(tmp_path, 'collectives = ["all_gather"]\nsizes = [8]')
    assert str(caught.value).splitlines() == [
        "suite 'mine' has nothing to measure: each of its 1 points is skipped",
        "  8 B over 2 ranks rounds to 0 B per rank (nccl-tests rounds down to 16 B); the smallest size is 32 B",
    ]


def test_far_too_many_points_are_refused_before_they_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expand_module, "MAX_POINTS", 5)
    with pytest.raises(SuiteError, match="suite 'mine' has 6 points, more than 5; shorten its lists"):
        plan_of(tmp_path, "sizes = [8, 16, 32]\nranks = [2, 4]")


def test_the_protocol_holds_the_parameters_of_its_rule_only(tmp_path: Path) -> None:
    fixed = plan_of(tmp_path, measure="iterations = 7").protocol.stopping
    assert (fixed.rule, fixed.iterations, fixed.max_iterations, fixed.budget_s) == ("fixed", 7, 0, 0)
    budget = plan_of(tmp_path, measure='stopping = "budget"\nbudget_s = 2').protocol.stopping
    assert (budget.rule, budget.iterations, budget.min_iterations, budget.budget_s) == ("budget", 0, 20, 2)


def test_auto_is_gloo_where_there_is_no_gpu(tmp_path: Path) -> None:
    plan = expand(loaded(tmp_path, 'backend = "auto"'), gpu_root=tmp_path / "none", memory_bytes_available=PLENTY)
    assert {plan.backend, *(p.backend for p in plan.points)} == {"gloo"}


SIZED = sorted(name for name, row in COLLECTIVES.items() if not row.is_bucketed)
lists = {
    "collectives": st.lists(st.sampled_from(SIZED), min_size=1, unique=True),
    "sizes": st.lists(st.integers(1, 2**20), min_size=1, max_size=8, unique=True),
    "ranks": st.lists(st.integers(1, 9), min_size=1, max_size=3, unique=True),
    "dtypes": st.lists(st.sampled_from(sorted(DTYPES)), min_size=1, max_size=3, unique=True),
}


@given(st.fixed_dictionaries(lists))
def test_no_point_is_larger_than_asked_and_none_is_measured_twice(sweep: dict[str, list[object]]) -> None:
    with TemporaryDirectory() as folder:
        try:
            plan = plan_of(Path(folder), "\n".join(f"{key} = {value!r}" for key, value in sweep.items()))
        except SuiteError as error:
            assert "nothing to measure" in str(error)  # noqa: PT017
            return
    measured = [point for point in plan.points if not point.skip_reason]
    assert all(0 < point.size_bytes <= point.requested_bytes for point in measured)
    assert len({(p.collective, p.size_bytes, p.dtype, p.world_size) for p in measured}) == len(measured)
    for point in plan.points:
        if point.skip_reason.startswith("same"):
            first = plan.points[int(point.skip_reason.split("as point ")[1].split()[0])]
            assert first.size_bytes == point.size_bytes
            assert format_size(point.size_bytes) in point.skip_reason
            assert not first.skip_reason
