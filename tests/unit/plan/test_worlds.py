"""Node counts, placements and fabrics of a plan: what is measured where, in which order."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commbench.collectives.of_point import host_bytes_of
from commbench.errors import CommbenchError, SuiteError, UsageError
from commbench.model.placement import FIRST, PLACEMENTS, SPREAD, STRIDED, nodes_of, ranks_of
from commbench.model.plan import Plan
from commbench.plan.expand import expand
from commbench.plan.load import load

PLENTY = 2**40


def plan_of(tmp_path: Path, sweep: str, rest: str = "", *, ranks: int | None = None, hosts: int = 1) -> Plan:
    path = tmp_path / "s.toml"
    given_sizes = "" if "sizes" in sweep else 'sizes = ["64KiB"]\n'
    given_backend = "" if "backend" in sweep else 'backend = "gloo"\n'
    path.write_text(
        f'[suite]\nname = "s"\n[sweep]\ncollectives = ["all_reduce"]\n{given_sizes}{given_backend}{sweep}\n{rest}'
    )
    return expand(load(str(path)), ranks, nodes=hosts, memory_bytes_available=PLENTY)


def test_node_counts_take_all_ranks_of_so_many_hosts(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, "nodes = [1, 2, 4]", ranks=8, hosts=4)
    assert [(point.world_size, point.nodes) for point in plan.points] == [(2, 1), (4, 2), (8, 4)]
    assert (plan.ranks_per_node, plan.nodes) == (2, 4)


def test_rank_counts_on_several_hosts_say_how_many_hosts_they_reach(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, "ranks = [2, 5, 8]", ranks=8, hosts=2)
    assert [(point.world_size, point.nodes) for point in plan.points] == [(2, 1), (5, 2), (8, 2)]


def test_where_nobody_says_how_many_ranks_each_host_has_one_and_there_are_two_at_least(tmp_path: Path) -> None:
    worlds = [(plan.world_size, plan.nodes) for plan in (plan_of(tmp_path, "", hosts=n) for n in (1, 2, 4))]
    assert worlds == [(2, 1), (2, 2), (4, 4)]


def test_a_suite_of_fabrics_measures_whole_hosts_two_at_least_for_fewer_use_no_fabric(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, 'backend = "nccl"\nfabrics = ["infiniband"]', ranks=24, hosts=3)
    assert [(point.world_size, point.nodes) for point in plan.points] == [(16, 2), (24, 3)]
    inside = plan_of(tmp_path, 'backend = "nccl"\nfabrics = ["nvlink"]', ranks=8, hosts=2)
    assert [(point.world_size, point.nodes) for point in inside.points] == [(2, 1), (4, 1), (8, 2)]


def test_placements_choose_hosts_and_are_measured_once_where_they_agree(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, 'nodes = [2, 4, 6]\nplacement = ["first", "spread", "strided"]', ranks=12, hosts=6)
    found = {(point.nodes, point.placement): ranks_of(plan, point) for point in plan.points}
    assert found == {
        (2, FIRST): (0, 1, 2, 3),
        (2, SPREAD): (0, 1, 6, 7),
        (2, STRIDED): (0, 1, 4, 5),
        (4, FIRST): tuple(range(8)),
        (4, SPREAD): (0, 1, 2, 3, 6, 7, 8, 9),
        (4, STRIDED): (0, 1, 2, 3, 4, 5, 8, 9),
        (6, ""): tuple(range(12)),
    }


@given(st.sampled_from(PLACEMENTS), st.integers(1, 64), st.integers(0, 64))
def test_a_placement_takes_as_many_different_hosts_as_asked_with_the_first_among_them(
    placement: str, nodes: int, more: int
) -> None:
    chosen = nodes_of(placement, nodes, nodes + more)
    assert len(set(chosen)) == len(chosen) == nodes
    assert list(chosen) == sorted(chosen)
    assert chosen[0] == 0
    assert chosen[-1] < nodes + more


def test_more_hosts_than_there_are_is_a_usage_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"too many hosts \(sweep.nodes has 2, 4; there is 1 host\); name more with"):
        plan_of(tmp_path, "nodes = [1, 2, 4]", ranks=4)


@pytest.mark.parametrize(
    ("sweep", "rest", "message"),
    [
        ("nodes = [1]\nranks = [2]", "", "give either ranks or nodes"),
        ('placement = ["first"]', "", "only with sweep.nodes"),
        ("", '[fabrics.slow]\nkind = "tcp"', "no sweep.fabrics names it; add 'slow' there or remove the table"),
        ('fabrics = ["a"]', '[fabrics.a]\nkind = "tcp"\ntime_factor = 2.0', "only with sweep.backend = 'simulated'"),
        ('fabrics = ["a"]', '[fabrics.a]\nvariables = { "A B" = "1" }', "A B"),
        ('fabrics = ["../x"]', "", "no simple name"),
    ],
)
def test_contradictions_in_a_suite_are_told(sweep: str, rest: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"^s\.toml:") as error:
        plan_of(tmp_path, sweep, rest)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("sweep", "rest", "message"),
    [
        ('fabrics = ["infiniband"]', "", "gloo speaks TCP only"),
        ('fabrics = ["infiniband", "ib"]\nbackend = "nccl"', "", "named twice"),
        ('fabrics = ["nonsense"]', "", "no fabric 'nonsense'"),
        ('fabrics = ["infinband"]\nbackend = "nccl"', "", "did you mean 'infiniband'"),
    ],
)
def test_fabrics_that_cannot_be_are_told_before_anything_starts(
    sweep: str, rest: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(CommbenchError) as error:
        plan_of(tmp_path, sweep, rest)
    assert message in str(error.value)


FABRICS = '[fabrics.fast]\nkind = "tcp"\ninterface = "eth1"\n[fabrics.slow]\nkind = "tcp"\ninterface = "eth2"\n'


def test_fabrics_take_turns_forth_and_back_each_in_launches_of_its_own(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, 'fabrics = ["fast", "slow"]', f"[measure]\nlaunches = 3\n{FABRICS}", ranks=2)
    assert [(point.launch_index, point.block, point.fabric) for point in plan.points] == [
        (0, 0, "fast"),
        (1, 0, "slow"),
        (2, 1, "slow"),
        (3, 1, "fast"),
        (4, 2, "fast"),
        (5, 2, "slow"),
    ]
    assert [fabric.interface for fabric in plan.fabrics] == ["eth1", "eth2"]


def test_the_command_lines_fabrics_replace_those_of_the_suite(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text(
        '[suite]\nname = "s"\n[sweep]\ncollectives = ["all_reduce"]\nsizes = [4096]\nbackend = "nccl"\nranks = [2]\n'
    )
    plan = expand(load(str(path)), fabrics=("ib", "roce"), memory_bytes_available=PLENTY)
    assert [point.fabric for point in plan.points] == ["infiniband", "roce"]


@pytest.mark.parametrize(
    ("collective", "expected"),
    [
        ("all_reduce", 2 * 3 / 4),  # of the size: 2 (N - 1) / N
        ("all_gather", 3 / 4),
        ("reduce_scatter", 3 / 4),
        ("broadcast", 1.0),
        ("send_recv", 1.0),
        ("all_to_all", 2 * 3 / 4),  # two ranks a host, each sends three quarters of its message elsewhere
    ],
)
def test_what_a_host_must_move_follows_from_the_bus_factor_over_hosts(
    collective: str, expected: float, tmp_path: Path
) -> None:
    plan = plan_of(tmp_path, "nodes = [4]", ranks=8, hosts=4)
    assert plan.points[0].nodes == 4
    path = tmp_path / "one.toml"
    path.write_text(
        f'[suite]\nname = "s"\n[sweep]\ncollectives = ["{collective}"]\nsizes = [65536]\nnodes = [1, 4]\n'
        'backend = "gloo"\n'
    )
    inside, across = expand(load(str(path)), 8, nodes=4, memory_bytes_available=PLENTY).points
    assert host_bytes_of(across) == pytest.approx(expected * 65536)
    assert host_bytes_of(inside) == 0.0


def test_an_uneven_exchange_expects_of_every_host_what_the_first_sends(tmp_path: Path) -> None:
    path = tmp_path / "v.toml"
    path.write_text(
        '[suite]\nname = "s"\n[sweep]\ncollectives = ["all_to_all_v"]\nsizes = [65536]\nnodes = [2]\nbackend = "gloo"\n'
        "traffic_skew = [0.0]\n"
    )
    (even,) = expand(load(str(path)), 4, nodes=2, memory_bytes_available=PLENTY).points
    assert host_bytes_of(even) == 2 * 65536 / 2


@pytest.mark.parametrize("asked", ["ib", "infiniband", "IB"])
@pytest.mark.parametrize("table", ["ib", "infiniband"])
def test_a_fabrics_table_is_found_by_every_name_that_the_fabric_has(tmp_path: Path, asked: str, table: str) -> None:
    rest = f"[fabrics.{table}]\nvariables = {{ NCCL_ALGO = 'Ring' }}\n"
    (fabric,) = plan_of(tmp_path, f'backend = "nccl"\nfabrics = ["{asked}"]', rest).fabrics
    assert (fabric.name, fabric.kind) == (table, "infiniband")
    assert fabric.variables == (("NCCL_ALGO", "Ring"),)
