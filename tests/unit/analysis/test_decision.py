"""Blocks until decided, against known truth: frames of many blocks, of which the loop takes as many as it wants.

Looks are those of `launch.blocks`: at six blocks, then after as many more as are wanted, at most as many as are done.
"""

import os

import numpy as np
import pandas as pd
import pytest

from commbench.analysis.comparison import Verdict
from commbench.analysis.decision import compare_fabrics, more_blocks
from tests.truth.two_sides import Noise, sides

TABLES = 200 if os.environ.get("COMMBENCH_TRUTH_FULL") else 20
CELLS, MOST, MARGIN = 4, 30, 0.03
WINNERS = {Verdict.A_FASTER, Verdict.B_FASTER}


def decide(ratio: float, seed: int) -> tuple[int, set[Verdict]]:
    """Return how many blocks were taken and the verdicts of the table then; B takes `ratio` times as long."""
    times = Noise(cell=0.015, launch=0.01).draw(np.random.default_rng(seed), CELLS, MOST)
    points = pd.concat([side.points for side in sides(times, ratio)])
    done = 6
    while True:
        found = compare_fabrics(points[points["block"] < done], ["a", "b"], MARGIN)
        wanted = more_blocks(found)
        if not wanted or done == MOST:
            return done, set(found[0].verdicts)
        done = min(done + min(wanted, done), MOST)


def test_equal_fabrics_never_have_a_winner_though_they_are_looked_at_again_and_again() -> None:
    found = [decide(1.0, seed) for seed in range(TABLES)]
    assert not [verdicts for _, verdicts in found if verdicts & WINNERS]
    assert all(Verdict.UNDECIDED not in verdicts for blocks, verdicts in found if blocks < MOST)


def test_five_percent_are_found_by_the_cap_and_never_for_the_wrong_side() -> None:
    found = [verdicts for _, verdicts in (decide(1.05, seed) for seed in range(TABLES))]
    assert all(Verdict.A_FASTER in verdicts for verdicts in found)
    assert not [verdicts for verdicts in found if Verdict.B_FASTER in verdicts]


def test_a_larger_difference_takes_fewer_blocks() -> None:
    five, thirty = (np.median([decide(ratio, seed)[0] for seed in range(10)]) for ratio in (1.05, 1.3))
    assert thirty < five


def test_every_further_fabric_is_compared_with_the_first() -> None:
    times = Noise().draw(np.random.default_rng(1), 1, 8)
    a, b = sides(times, 1.3)
    third = b.points.assign(fabric="c", point_id=b.points["point_id"] + 1000)
    found = compare_fabrics(pd.concat([a.points, b.points, third]), ["a", "b", "c"], MARGIN)
    assert [(each.a.name, each.b.name) for each in found] == [("a", "b"), ("a", "c")]
    assert more_blocks(found) == 0


@pytest.mark.parametrize("blocks", [1, 3, 5])
def test_with_fewer_blocks_than_the_table_needs_more_are_always_wanted(blocks: int) -> None:
    """Seven: a cell with a median, a p99 and a worst case asks three questions."""
    times = Noise().draw(np.random.default_rng(1), 1, blocks)
    found = compare_fabrics(pd.concat([side.points for side in sides(times, 2.0)]), ["a", "b"], MARGIN)
    assert more_blocks(found) == 7 - blocks
