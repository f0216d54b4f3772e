"""The keys of a suite that only GPUs know: how calls are launched, and whether ranks may share a GPU."""

from dataclasses import replace
from pathlib import Path

import pytest

from commbench.errors import SuiteError, UnfitError, UsageError
from commbench.model.plan import Plan
from commbench.plan import expand as expand_module
from commbench.plan.capacity import check
from commbench.plan.expand import expand
from commbench.plan.load import load
from commbench.plan.machine import Machine
from commbench.store.identity import series_id

from .suites_for_tests import loaded

ONE_GPU = Machine(cpu_count=2, memory_bytes=8 * 2**30, gpu_count=1)
NCCL = 'backend = "nccl"\n'


def plan_of(folder: Path, sweep: str) -> Plan:
    return expand(loaded(folder, sweep))


def test_without_the_key_the_host_launches(tmp_path: Path) -> None:
    assert [(p.launch, p.shared_gpu) for p in plan_of(tmp_path, "").points] == [("host", False)]


def test_launch_is_an_axis_outside_sizes_and_inside_cadences(tmp_path: Path) -> None:
    sweep = NCCL + 'launch = ["host", "graph"]\ncadence = ["streaming", "isolated"]\nsizes = [8, 16]'
    plan = plan_of(tmp_path, sweep)
    assert [(p.cadence, p.launch, p.size_bytes) for p in plan.points] == [
        (cadence, launch, size)
        for cadence in ("streaming", "isolated")
        for launch in ("host", "graph")
        for size in (8, 16)
    ]
    assert not any(p.skip_reason for p in plan.points)  # same size, but not the same measurement


def test_a_size_repeated_by_rounding_is_found_within_its_launch_mode(tmp_path: Path) -> None:
    sweep = NCCL + 'launch = ["host", "graph"]\ncollectives = ["all_gather"]\nsizes = [128, 130]'
    reasons = [p.skip_reason for p in plan_of(tmp_path, sweep).points]
    assert reasons == ["", "same 128 B as point 0 after rounding", "", "same 128 B as point 2 after rounding"]


def test_both_modes_count_towards_the_most_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expand_module, "MAX_POINTS", 3)
    with pytest.raises(SuiteError, match="has 4 points, more than 3"):
        plan_of(tmp_path, NCCL + 'launch = ["host", "graph"]\nsizes = [8, 16]')


@pytest.mark.parametrize("backend", ["gloo", "simulated"])
def test_only_nccl_replays_graphs(tmp_path: Path, backend: str) -> None:
    with pytest.raises(UsageError) as caught:
        plan_of(tmp_path, f'backend = "{backend}"\nlaunch = ["host", "graph"]')
    assert str(caught.value) == (
        f"{backend} has no graph; use backend = 'nccl', or remove it from sweep.launch ({backend} has host)"
    )


def test_a_misspelt_mode_is_told_the_right_ones(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"sweep\.launch\.0.*'grahp'.*'graph'"):
        plan_of(tmp_path, NCCL + 'launch = ["grahp"]')


def test_launch_modes_and_shared_gpus_are_series_of_their_own(tmp_path: Path) -> None:
    host, graph = plan_of(tmp_path, NCCL + 'launch = ["host", "graph"]').points
    ids = {series_id(point, "lab") for point in (host, graph, replace(host, shared_gpu=True))}
    assert len(ids) == 3


def test_ids_of_series_from_before_these_keys_have_not_changed(tmp_path: Path) -> None:
    (point,) = plan_of(tmp_path, "").points
    assert series_id(point, "lab") == "a67a957bf41d65cf"  # as commit 282ec06 computes it


def test_two_ranks_on_one_gpu_are_refused_unless_the_suite_allows_it(tmp_path: Path) -> None:
    with pytest.raises(UnfitError, match="2 ranks over nccl need a CUDA GPU each, but this host has 1"):
        check(plan_of(tmp_path, NCCL), ONE_GPU)
    plan = plan_of(tmp_path, NCCL + "shared_gpu = true")
    assert all(point.shared_gpu for point in plan.points)
    check(plan, ONE_GPU)


def test_sharing_needs_a_gpu_to_share(tmp_path: Path) -> None:
    with pytest.raises(UnfitError, match="2 ranks over nccl may share a CUDA GPU, but this host has none"):
        check(plan_of(tmp_path, NCCL + "shared_gpu = true"), replace(ONE_GPU, gpu_count=0))


@pytest.mark.parametrize("backend", ["auto", "gloo", "simulated"])
def test_sharing_without_nccl_is_a_mistake(tmp_path: Path, backend: str) -> None:
    with pytest.raises(SuiteError, match=r"sweep\.shared_gpu: only with sweep\.backend = 'nccl'"):
        plan_of(tmp_path, f'backend = "{backend}"\nshared_gpu = true')
    assert plan_of(tmp_path, f'backend = "{backend}"\nshared_gpu = false').points


def test_the_suites_of_make_gpu_measure_both_modes() -> None:
    alone, shared = expand(load("gpu")), expand(load("gpu_shared"))
    assert {(p.cadence, p.launch) for p in alone.points if not p.skip_reason} == {
        (cadence, launch) for cadence in ("isolated", "streaming") for launch in ("host", "graph")
    }
    assert (alone.world_size, shared.world_size) == (1, 2)
    assert {p.shared_gpu for p in alone.points} == {False}
    assert {p.shared_gpu for p in shared.points} == {True}
    assert not any(p.skip_reason for p in shared.points)
