from pathlib import Path

import pytest

from commbench.errors import UsageError
from commbench.plan.load import load
from commbench.plan.locate import locate_plan

SUITE = """
[suite]
name = "mine"
seed = 7
[sweep]
collectives = ["all_reduce"]
sizes = [8]
backend = "gloo"
fabrics = ["fast"]
[fabrics.fast]
kind = "tcp"
interface = "eth7"
"""


def test_a_search_is_one_point_over_all_ranks_with_a_limit_for_each_round() -> None:
    plan = locate_plan(None, 6, 3, size_bytes=2**20)
    (point,) = plan.points
    assert (point.collective, point.size_bytes, point.world_size, point.nodes) == ("send_recv", 2**20, 6, 3)
    assert plan.ranks_per_node == 2
    assert plan.protocol.schedule == "interleaved"


def test_a_suite_gives_its_fabrics_its_backend_and_its_seed(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(SUITE)
    plan = locate_plan(load(str(path)), 4, 4, "fast")
    (choice,) = plan.fabrics
    assert (choice.name, choice.interface, plan.backend, plan.seed) == ("fast", "eth7", "gloo", 7)
    assert plan.points[0].fabric == "fast"
    assert plan.points[0].size_bytes == 4 * 2**20  # gloo's default


@pytest.mark.parametrize("world_size", [None, 1])
def test_one_rank_has_no_links(world_size: int | None) -> None:
    with pytest.raises(UsageError, match="--hosts"):
        locate_plan(None, world_size, 1)


def test_simulated_ranks_have_no_links() -> None:
    with pytest.raises(UsageError, match="simulated"):
        locate_plan(load("simulated"), 4, 1)


@pytest.mark.parametrize(("size_bytes", "words"), [(2, "the smallest size"), (2**50, "more than 80%")])
def test_flows_that_cannot_be_sent_are_refused_with_the_size(size_bytes: int, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        locate_plan(None, 2, 1, size_bytes=size_bytes)
