"""A4, A5, P22, P23: comparisons of two sides whose true ratio is known. All seeded.

Noise is of three kinds, as measured between launches: each cell's own, one that all cells of a launch share, and
weather that both launches of a block share; and everything drifts by 1 % from block to block.
"""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import mannwhitneyu

from commbench.analysis.compare import Selected, compare
from commbench.analysis.compare_metrics import Values
from commbench.analysis.compare_verdict import Question, findings
from commbench.analysis.comparison import Comparison, Margin, Verdict
from commbench.model.environment import Environment
from commbench.model.run import ExitState, Record, Session
from commbench.plan.expand import expand
from commbench.plan.load import load
from commbench.statistics.histogram import LogHistogram
from commbench.statistics.pairs_needed import log_margin, pairs_needed
from commbench.statistics.signed_rank import locate, walsh_averages
from commbench.store.rows import point_rows
from tests.truth.simulated import results_of
from tests.truth.table import TruthTable
from tests.truth.two_sides import NO_RUNS, Floats, Noise, side, sides

WHERE = "truth/test_compare_truth.py"
MARGIN = Margin(0.03)
NO_MARGIN = Margin(1e-6)
SUITE = """
[suite]
name = "two"
[sweep]
collectives = ["all_reduce"]
sizes = ["4KiB", "4MiB"]
ranks = [2]
backend = "simulated"
fabrics = ["infiniband", "roce"]
[measure]
iterations = 20
launches = 14
[fabrics.roce]
kind = "roce"
time_factor = {factor}
[simulated]
launch_sigma = 0.01
"""
WINNERS = {Verdict.A_FASTER, Verdict.B_FASTER}
MOST_BLOCKS = 2000


def compared(log_times: Floats, ratio: float, margin: Margin = MARGIN) -> Comparison:
    return compare(*sides(log_times, ratio), ("fabric",), margin, ("p50",))


def has_winner(comparison: Comparison) -> bool:
    return bool(WINNERS & set(comparison.verdicts))


def until_decided(
    generator: np.random.Generator, ratio: float, cells: int, noise: Noise
) -> tuple[Comparison, int, int]:
    """Return the comparison after running what it asked for as often as it asked, the blocks of it, and the looks."""
    log_times, looks = noise.draw(generator, cells, 6), 1
    found = compared(log_times, ratio)
    while found.more_pairs and len(log_times) < MOST_BLOCKS:
        more = noise.draw(generator, cells, found.more_pairs)
        log_times, looks = np.concatenate([log_times, more]), looks + 1
        found = compared(log_times, ratio)
    return found, len(log_times), looks


@pytest.mark.parametrize("pairs", [6, 10, 20])
def test_the_interval_of_the_ratio_holds_the_truth_in_95_percent_of_comparisons(
    pairs: int, truth_table: TruthTable
) -> None:
    """A4."""
    generator, repeats, truth = np.random.default_rng(pairs), 3000, 0.05
    noise = Noise()
    log_times = np.stack([noise.draw(generator, 1, pairs)[:, :, 0] for _ in range(repeats)])
    found = [locate(walsh_averages(each)) for each in log_times[:, :, 0] - log_times[:, :, 1] + truth]
    covered = sum(each.low <= truth <= each.high for each in found) / repeats
    passed = 0.93 <= covered <= 0.975  # with 6 pairs 96.9 % is the nearest that there is
    truth_table.add(
        f"A4: interval of the ratio, {pairs} interleaved pairs under drift", "95 %", f"{covered:.1%}", passed, WHERE
    )
    assert passed


def test_equal_sides_differ_by_chance_in_at_most_6_percent(truth_table: TruthTable) -> None:
    """A4, without any margin to hide behind; and launches that are not interleaved, for comparison."""
    generator, repeats, pairs = np.random.default_rng(4), 3000, 10
    noise = Noise(drift=0.02)
    false = Counter[str]()
    for _ in range(repeats):
        times = noise.draw(generator, 1, pairs)[:, :, 0]
        apart = times + np.array([0.0, noise.drift * pairs])  # first all of A, then all of B
        for name, each in (("interleaved", times), ("one after the other", apart)):
            found = locate(walsh_averages(each[:, 0] - each[:, 1]))
            false[name] += not found.low <= 0 <= found.high
    share = false["interleaved"] / repeats
    truth_table.add("A4: A/A of interleaved launches, a difference", "<= 6 %", f"{share:.1%}", share <= 0.06, WHERE)
    later = f"{false['one after the other'] / repeats:.1%}"
    truth_table.add("A4: the same, first all of A, then all of B", "5 %", later, None, WHERE)
    assert share <= 0.06


def test_the_pairs_that_are_said_to_be_needed_have_the_power_that_is_said(truth_table: TruthTable) -> None:
    """A5: the table of design 2.7. Six pairs are the fewest, so what needs less has more power."""
    generator, powers = np.random.default_rng(5), {}
    for sigma in (0.01, 0.02, 0.05, 0.1):
        for share in (0.01, 0.02, 0.03, 0.05, 0.1):
            pairs = pairs_needed(sigma, log_margin(share))
            if pairs <= 250:  # the largest takes seconds and says the same
                draws = generator.normal(log_margin(share), sigma, (800 if pairs < 100 else 300, pairs))
                powers[pairs] = np.mean([locate(walsh_averages(each)).low > 0 for each in draws])
    exact = [power for pairs, power in powers.items() if pairs > 7]
    passed = bool(min(powers.values()) >= 0.75 and max(exact) <= 0.85)
    said = f"{min(exact):.2f} to {max(exact):.2f} for {min(p for p in powers if p > 7)} to {max(powers)} pairs"
    truth_table.add("A5: power of the pairs that are said to be needed", "0.8 +- 0.05", said, passed, WHERE)
    assert passed, powers


def test_of_500_tables_of_equal_sides_at_most_5_percent_have_a_winner(truth_table: TruthTable) -> None:
    """The promise of issue 7."""
    generator, tables, cells = np.random.default_rng(7), 500, 8
    noise = Noise(cell=0.03)
    false = sum(has_winner(compared(noise.draw(generator, cells, 14), 1.0)) for _ in range(tables)) / tables
    claim = f"tables of {cells} equal cells, a winner at a margin of 3 %"
    truth_table.add(claim, "<= 5 %", f"{false:.1%}", false <= 0.05, WHERE)
    assert false <= 0.05


def test_without_a_margin_the_correction_alone_keeps_winners_out_of_95_percent_of_tables(
    truth_table: TruthTable,
) -> None:
    """With a margin hardly anything can go wrong between equal sides; this shows that Holm's correction is there."""
    generator, tables, cells = np.random.default_rng(17), 2000, 8
    false = {"corrected": 0, "each cell by itself": 0}
    for _ in range(tables):
        times = np.exp(Noise(cell=0.03).draw(generator, cells, 14))
        values = [Values(times[:, 0, cell], times[:, 1, cell]) for cell in range(cells)]
        questions = [Question.of(cell, "p50", each, log_margin(1e-6)) for cell, each in enumerate(values)]
        found = findings(questions, NO_MARGIN, is_imported=False)
        false["corrected"] += any(each.verdict in WINNERS for each in found)
        false["each cell by itself"] += any(each.effect.names_winner for each in found if each.effect)
    share = false["corrected"] / tables
    claim = f"tables of {cells} equal cells, a winner without a margin"
    truth_table.add(claim, "<= 5 %", f"{share:.1%}", share <= 0.05, WHERE)
    uncorrected = f"{false['each cell by itself'] / tables:.1%}"
    truth_table.add(f"{claim}, each cell at 95 % by itself", "5 %", uncorrected, None, WHERE)
    assert share <= 0.05
    assert false["each cell by itself"] / tables > 0.15, "without the correction this should have failed"


def test_a_ratio_of_1_05_is_decided_right_with_the_blocks_that_were_asked_for(truth_table: TruthTable) -> None:
    generator, tables, cells = np.random.default_rng(8), 100, 8
    right, blocks, looks = [], [], []
    for _ in range(tables):
        found, count, seen = until_decided(generator, 1.05, cells, Noise())
        right.append(found.verdicts == {Verdict.A_FASTER: cells})
        blocks.append(count)
        looks.append(seen)
    share = sum(right) / tables
    said = f"{share:.1%}; {np.median(blocks):.0f} blocks in {np.median(looks):.0f} looks"
    truth_table.add(f"tables of {cells} cells at 1.05, all decided right", ">= 95 %", said, share >= 0.95, WHERE)
    assert share >= 0.95, Counter(right)


def test_equal_sides_are_found_equivalent_with_the_blocks_that_were_asked_for(truth_table: TruthTable) -> None:
    """Looking again after every run, as people do, must not make winners either."""
    generator, tables, cells = np.random.default_rng(9), 50, 8
    found = [until_decided(generator, 1.0, cells, Noise(cell=0.03))[0] for _ in range(tables)]
    winners = sum(map(has_winner, found)) / tables
    equal = sum(each.verdicts == {Verdict.EQUIVALENT: cells} for each in found) / tables
    passed = winners <= 0.05 and equal >= 0.95
    said = f"{winners:.1%} with a winner, {equal:.1%} all equivalent"
    truth_table.add("tables of equal sides, run on until decided", "<= 5 %, >= 95 %", said, passed, WHERE)
    assert passed


def test_the_same_simulated_fabric_twice_never_wins_against_itself_in_20_of_20(
    tmp_path: Path, truth_table: TruthTable
) -> None:
    """Through the suite, the backend and the store's rows; launches differ by 1 %, and a fabric 5 % slower is found."""
    repeats, winners, found = 20, 0, Counter[Verdict]()
    for seed in range(repeats):
        rows = simulated_rows(tmp_path, seed, factor=1.0)
        winners += has_winner(by_fabric(rows))
    slower = by_fabric(simulated_rows(tmp_path, seed=1, factor=1.05))
    found.update(dict(slower.verdicts))
    passed = winners == 0 and found == {Verdict.A_FASTER: 2}
    said = f"{winners} of {repeats}; at 1.05: {dict(found)}"
    truth_table.add("the same simulated fabric twice, a winner", "0 of 20", said, passed, WHERE)
    assert passed


def simulated_rows(folder: Path, seed: int, factor: float) -> pd.DataFrame:
    suite = folder / "two.toml"
    suite.write_text(SUITE.format(factor=factor))
    plan = replace(expand(load(str(suite))), seed=seed)
    session = Session("r", 0, 0, 0, "in-process", (), "", "adhoc", ExitState.COMPLETE)
    record = Record(session, plan, Environment("", "", ()), tuple(results_of(plan)))
    # A simulated point has no time of its own; blocks are paired by their number.
    return pd.DataFrame(point_rows(record)).assign(started_at=pd.Timestamp(0, tz="UTC"))


def by_fabric(rows: pd.DataFrame) -> Comparison:
    a, b = (Selected(name, name, rows[rows["fabric"] == name], NO_RUNS) for name in ("infiniband", "roce"))
    return compare(a, b, ("fabric",), MARGIN, ("p50",))


def test_calls_that_resemble_each_other_make_no_winner_where_pooled_calls_do(truth_table: TruthTable) -> None:
    """P23: A/A on launches whose calls are AR(1), with differences between launches; no margin."""
    generator, repeats, blocks, calls, through_frames = np.random.default_rng(23), 2000, 10, 200, 40
    ours = pooled = 0
    for repeat in range(repeats):
        times = _ar1(generator, (blocks, 2, calls)) + generator.normal(0, 0.03, (blocks, 2, 1))
        p50 = np.median(times, axis=2)[:, :, None]
        found = locate(walsh_averages(p50[:, 0, 0] - p50[:, 1, 0]))
        is_false = not found.low <= 0 <= found.high
        ours += is_false
        if repeat < through_frames:
            assert has_winner(compared(p50, 1.0, NO_MARGIN)) == is_false
            pooled += mannwhitneyu(times[:, 0].ravel(), times[:, 1].ravel()).pvalue < 0.05
    share = ours / repeats
    truth_table.add("P23: A/A on correlated calls, a winner", "<= 7 %", f"{share:.1%}", share <= 0.07, WHERE)
    naive = pooled / through_frames
    truth_table.add("P23: the same by a test of pooled calls", "5 %", f"{naive:.1%}", None, WHERE)
    assert share <= 0.07
    assert naive > 0.3, "the calls are not correlated enough to show anything"


def _ar1(generator: np.random.Generator, shape: tuple[int, ...], keep: float = 0.9, sigma: float = 0.05) -> Floats:
    steps = generator.normal(0, sigma * np.sqrt(1 - keep**2), shape)
    steps[..., 0] = generator.normal(0, sigma, shape[:-1])
    for call in range(1, shape[-1]):
        steps[..., call] += keep * steps[..., call - 1]
    return steps


def test_worst_cases_of_20_and_of_2000_calls_of_the_same_law_are_not_different(truth_table: TruthTable) -> None:
    """P22: the worst of 2000 calls is longer than that of 20 by itself."""
    generator, blocks = np.random.default_rng(22), 12
    both = []
    for fabric, calls in (("a", 20), ("b", 2000)):
        times_ns = np.rint(1e5 * generator.lognormal(0, 0.3, (blocks, calls))).astype(np.int64)
        histograms = [LogHistogram.from_ns(each) for each in times_ns]
        both.append(
            side(
                fabric,
                np.median(times_ns, axis=1)[:, None] / 1e3,
                point_from=100 * (fabric == "b"),
                iterations=calls,
                latency_max_us=times_ns.max(axis=1) / 1e3,
                hist_bin=[list(each.bins) for each in histograms],
                hist_count=[list(each.counts) for each in histograms],
            )
        )
    (row,) = compare(both[0], both[1], ("fabric",), MARGIN, ("worst",)).rows
    (found,) = row.findings
    naive = float(np.median(both[1].points["latency_max_us"]) / np.median(both[0].points["latency_max_us"]))
    assert found.ratio_interval is not None
    passed = found.calls == 20 and found.ratio_interval[0] <= 1 <= found.ratio_interval[1]
    said = f"{found.ratio:.2f} at n = {found.calls}; the maxima as they are: {1 / naive:.2f}"
    truth_table.add("P22: worst of 20 over worst of 2000 calls, same law", "1 within the interval", said, passed, WHERE)
    assert passed
    assert naive > 1.3, "the maxima do not differ enough to show anything"
