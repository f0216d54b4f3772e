"""`commbench locate` on one host: exit codes, what it prints, and what it leaves behind."""

import json

import pytest

from tests.cli.command import Workplace

pytestmark = pytest.mark.ranks
SUITE = """
[suite]
name = "bad"
[sweep]
collectives = ["all_reduce"]
sizes = [8]
backend = "gloo"
fabrics = ["fast"]
[fabrics.fast]
kind = "tcp"
interface = "nope0"
"""


def test_ranks_of_one_host_are_searched_and_nothing_is_stored(workplace: Workplace) -> None:
    done = workplace.run("locate", "--ranks", "2", "--size", "64KiB", "--json")
    assert done.returncode in {0, 1}, done.stderr  # loopback between busy cores may be slower one way
    (report,) = json.loads(done.stdout)
    assert {(link["from"], link["to"]) for link in report["together_gb_s"]} == {(0, 1), (1, 0)}
    assert bool(report["slow_path"]) == (done.returncode == 1)
    assert not list((workplace.store / "_searches").iterdir())
    assert "no runs yet" in workplace.run("list").stdout


def test_a_rank_that_cannot_take_part_ends_the_search_with_4_and_the_reason(workplace: Workplace) -> None:
    workplace.write("bad.toml", SUITE)
    done = workplace.run("locate", "--ranks", "2", "--suite", "bad.toml")
    assert done.returncode == 4
    assert "this host has no network interface nope0" in done.stderr
    assert not list((workplace.store / "_searches").iterdir())
    assert "Unfinished" not in workplace.run("list").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "name two or more with --hosts"),
        (("--ranks", "2", "--size", "much"), "is not a size"),
        (("--ranks", "2", "--fabrics", "roce"), "gloo speaks TCP only"),
        (("--ranks", "2", "--suite", "simulated"), "no links between simulated ranks"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_searched_is_refused_before_anything_is_written(
    workplace: Workplace, arguments: tuple[str, ...], words: str
) -> None:
    done = workplace.run("locate", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert not workplace.store.exists()
