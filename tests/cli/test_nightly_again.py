"""What is measured again: exactly the suspects, on hosts that say which half of them is bad."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commbench.cli.launcher import HostOptions, Launcher
from commbench.cli.nightly_again import Again, can_rotate, plan_again, rotated, split_by
from commbench.model.placement import FIRST, SPREAD, nodes_of
from commbench.model.plan import Plan
from commbench.plan.expand import expand
from commbench.plan.load import load
from commbench.store.identity import series_id

SUITE = """\
[suite]
name = "again"
[sweep]
collectives = ["all_reduce", "broadcast"]
sizes = ["1KiB", "1MiB"]
nodes = {nodes}
placement = ["{placement}"]
backend = "gloo"
fabrics = ["a", "b"]
[fabrics.a]
kind = "tcp"
[fabrics.b]
kind = "tcp"
[measure]
launches = 2
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("suites")


def plan_of(folder: Path, hosts: int, nodes: tuple[int, ...], placement: str = FIRST) -> Plan:
    path = folder / "again.toml"
    path.write_text(SUITE.format(nodes=list(nodes), placement=placement))
    return expand(load(str(path)), world_size=hosts, nodes=hosts)


def launcher(hosts: int, master_addr: str | None = None) -> Launcher:
    return Launcher(HostOptions(None, None, 1, "ssh", master_addr, None), tuple(f"h{i}" for i in range(hosts)))


@given(chosen=st.sets(st.integers(0, 7), min_size=1), repeat=st.integers(1, 2))
def test_the_plan_holds_all_launches_of_the_wanted_series_and_nothing_else(
    folder: Path, chosen: set[int], repeat: int
) -> None:
    whole = plan_of(folder, 4, (2,))
    ids = sorted({series_id(point, "lab") for point in whole.points})
    wanted = frozenset(ids[i] for i in chosen)
    plan = plan_again(whole, Again("lab", wanted, repeat))
    expected = [point for point in whole.points if series_id(point, "lab") in wanted]
    assert [series_id(point, "lab") for point in plan.points] == [series_id(point, "lab") for point in expected]
    assert [point.point_id for point in plan.points] == list(range(len(expected)))
    # Launches are numbered without gaps, each still of one fabric, and as many as the wanted fabrics need.
    fabrics = {point.launch_index: set[str]() for point in plan.points}
    for point in plan.points:
        fabrics[point.launch_index].add(point.fabric)
    assert sorted(fabrics) == list(range(len(fabrics)))
    assert all(len(names) == 1 for names in fabrics.values())
    assert plan.seed != whole.seed


@given(data=st.data(), hosts=st.integers(3, 12))
def test_a_bad_host_of_the_first_measurement_is_in_two_of_three_and_one_of_them_is_without_the_other_half(
    folder: Path, data: st.DataObject, hosts: int
) -> None:
    nodes = data.draw(st.integers(2, hosts - 1))
    plan = plan_of(folder, hosts, (nodes,))
    start = launcher(hosts)

    def taking_part(by: int) -> set[str]:
        names = rotated(start, by).hosts
        return {names[i] for i in nodes_of(FIRST, nodes, hosts)}

    first, *again = (taking_part(by) for by in (0, split_by(plan, 1, hosts), split_by(plan, 2, hosts)))
    for bad in first:
        assert sum(bad in each for each in again) >= 1, "the median of three would miss it"
    if 2 * nodes <= hosts:  # with enough other hosts the halves are apart
        assert (again[0] & again[1]) <= first
        assert again[0] & first != again[1] & first


@pytest.mark.parametrize(
    ("nodes", "placement"), [((4,), FIRST), ((1,), FIRST), ((1, 2), FIRST), ((2,), SPREAD)], ids=str
)
def test_points_without_halves_are_measured_again_on_the_same_hosts(
    folder: Path, nodes: tuple[int, ...], placement: str
) -> None:
    assert split_by(plan_of(folder, 4, nodes, placement), 1, 4) == 0


@given(hosts=st.integers(2, 9), night=st.integers(0, 1000))
def test_other_hosts_come_first_each_night_and_none_is_lost(hosts: int, night: int) -> None:
    start = launcher(hosts)
    tonight, tomorrow = rotated(start, night).hosts, rotated(start, night + 1).hosts
    assert sorted(tonight) == sorted(start.hosts)
    assert tonight[0] != tomorrow[0]


def test_where_the_first_host_is_fixed_none_is_moved() -> None:
    fixed = launcher(4, master_addr="10.0.0.1")
    assert not can_rotate(fixed)
    assert rotated(fixed, 3) == fixed
