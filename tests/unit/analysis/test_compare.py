"""Frames in, a comparison out; tests.truth.two_sides makes the frames, with a known ratio."""

import json
from dataclasses import replace
from math import inf
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commbench.analysis.compare import Selected, compare
from commbench.analysis.comparison import Comparison, Finding, Margin, Verdict
from commbench.errors import ExitCode, GateError, UsageError
from tests.truth.two_sides import COLLECTIVES, SIZES, Floats, Noise, side, sides

MARGIN = Margin(0.03)
Sides = tuple[Selected, Selected]


def noise(blocks: int, cells: int = 1, seed: int = 1, sigma: float = 0.005) -> Floats:
    return Noise(cell=sigma).draw(np.random.default_rng(seed), cells, blocks)


def compared(both: Sides, *metrics: str, margin: Margin = MARGIN) -> Comparison:
    return compare(*both, ("fabric",), margin, metrics)


def only(comparison: Comparison) -> Finding:
    (finding,) = [finding for _, finding in comparison.findings()]
    return finding


def changed(of: Selected, **columns: Any) -> Selected:
    return replace(of, points=of.points.assign(**columns))


def test_a_side_that_takes_5_percent_longer_is_slower_by_5_percent() -> None:
    found = only(compared(sides(noise(12), 1.05), "p50"))
    assert (found.verdict, found.pairs, found.more_pairs) == (Verdict.A_FASTER, 12, None)
    assert found.ratio == pytest.approx(1 / 1.05, abs=0.01)
    assert found.ratio_interval is not None
    assert found.ratio_interval[0] <= 1 / 1.05 <= found.ratio_interval[1]
    assert found.a == pytest.approx(float(np.median(np.exp(noise(12)[:, 0]))) * 10)


def test_a_higher_bandwidth_is_faster_and_has_a_ratio_above_1() -> None:
    found = only(compared(sides(noise(12), 1.05), "busbw"))
    assert found.verdict is Verdict.A_FASTER
    assert found.ratio == pytest.approx(1.05, abs=0.01)


@given(st.floats(0.9, 1.1), st.integers(0, 50))
def test_the_other_way_round_it_says_the_same_of_the_other_side(ratio: float, seed: int) -> None:
    a, b = sides(noise(10, seed=seed), ratio)
    there, back = only(compared((a, b), "p50")), only(compared((b, a), "p50"))
    mirrored = {Verdict.A_FASTER: Verdict.B_FASTER, Verdict.B_FASTER: Verdict.A_FASTER}
    assert back.verdict is mirrored.get(there.verdict, there.verdict)
    assert there.ratio is not None
    assert back.ratio == pytest.approx(1 / there.ratio)
    assert (back.a, back.b, back.more_pairs) == (there.b, there.a, there.more_pairs)


def test_equal_sides_are_equivalent_within_the_margin_and_undecided_within_a_smaller_one() -> None:
    both = sides(noise(20))
    assert only(compared(both, "p50")).verdict is Verdict.EQUIVALENT
    undecided = only(compared(both, "p50", margin=Margin(0.001)))
    assert undecided.verdict is Verdict.UNDECIDED
    assert undecided.more_pairs is not None
    assert undecided.more_pairs > 100


@pytest.mark.parametrize("pairs", [1, 2, 5])
def test_fewer_than_six_pairs_decide_nothing_however_large_the_difference(pairs: int) -> None:
    found = only(compared(sides(noise(pairs), 3.0), "p50"))
    assert (found.verdict, found.more_pairs) == (Verdict.UNDECIDED, 6 - pairs)
    assert found.ratio_interval == (0.0, inf)


def test_a_large_table_asks_for_as_many_pairs_as_its_correction_needs() -> None:
    six = compared(sides(noise(6, cells=20), 2.0), "p50")
    assert set(six.verdicts) == {Verdict.UNDECIDED}
    assert six.more_pairs == 4, "2 / 2^10 is below 5 % / 20"
    ten = compared(sides(noise(10, cells=20), 2.0), "p50")
    assert ten.verdicts == {Verdict.A_FASTER: 20}


def test_a_bandwidth_is_no_second_claim_beside_the_time_it_comes_from() -> None:
    both = sides(noise(6), 2.0)
    two = compared(both, "p50", "busbw")
    assert two.verdicts == {Verdict.A_FASTER: 2}
    assert compared(both, "p50", "p99").verdicts == {Verdict.UNDECIDED: 2}, "two claims need seven pairs"


def test_launches_are_paired_by_block_whatever_the_order_of_the_rows() -> None:
    a, b = sides(Noise(cell=0.001, launch=0.001, block=0.5).draw(np.random.default_rng(2), 2, 9), 1.05)
    shuffled = replace(b, points=b.points.sample(frac=1, random_state=1))
    found = compared((a, shuffled), "p50")
    assert found.is_interleaved
    assert found.rows == compared((a, b), "p50").rows
    assert found.verdicts == {Verdict.A_FASTER: 2}


def test_a_block_that_only_one_side_has_is_left_out_and_said() -> None:
    a, b = sides(noise(9), 1.05)
    found = compared((a, replace(b, points=b.points[b.points["block"] != 4])), "p50")
    assert only(found).pairs == 8
    assert found.left_out == ("a: 1 points without a counterpart",)


def test_launches_of_two_runs_are_paired_in_the_order_of_time_and_that_is_said() -> None:
    a, b = sides(noise(8), 1.05)
    found = compare(a, changed(b, run_id="other"), ("run_id", "fabric"), MARGIN, ("p50",))
    assert not found.is_interleaved
    assert "paired in the order of time" in found.notes[0]
    assert only(found).pairs == 8


def test_a_p99_of_few_calls_is_not_compared() -> None:
    few = [changed(each, iterations=298) for each in sides(noise(8))]
    found = only(compared((few[0], few[1]), "p99"))
    assert (found.verdict, found.why) == (
        Verdict.NOT_COMPARABLE,
        "a p99 needs 299 calls in every launch, and one has 298",
    )
    assert only(compared(sides(noise(8)), "p99")).pairs == 8


def test_worst_cases_of_unequal_numbers_of_calls_are_not_compared_without_a_histogram() -> None:
    a, b = sides(noise(8))
    found = only(compared((a, changed(b, iterations=900)), "worst"))
    assert found.verdict is Verdict.NOT_COMPARABLE
    assert "differ in their calls" in found.why
    assert only(compared((a, b), "worst")).calls == 500


def test_wrong_and_lost_points_are_left_out_and_counted() -> None:
    a, b = sides(noise(9), 1.05)
    status = np.where(b.points["block"] == 0, "wrong_result", "ok")
    found = compared((a, changed(b, status=status)), "p50")
    assert only(found).pairs == 8
    assert found.left_out == ("b: 1 wrong result", "a: 1 points without a counterpart")


@pytest.mark.parametrize(
    ("column", "value", "what", "said"),
    [
        ("nccl_version", "2.21.5", "NCCL", "2.21.5"),
        ("algorithm", "tree", "algorithm", "tree"),
        ("hosts", "n2", "hosts", "n2"),
        ("cluster", "other", "cluster", "other"),
        ("gradients", "gpt2", "gradient set", "gpt2"),
        ("method", "clock_free", "how latencies were taken", "clock_free"),
        ("converged", True, "converged", "True"),
    ],
)
def test_whatever_else_differs_is_flagged(column: str, value: object, what: str, said: str) -> None:
    a, b = sides(noise(8, cells=3))
    value = [[value]] * len(b.points) if column == "hosts" else value
    (difference,) = compared((a, changed(b, **{column: value})), "p50").differences
    assert (difference.what, difference.b, difference.cells) == (what, said, 3)
    assert compared((a, b), "p50").differences == ()


def test_buckets_of_different_gradients_are_cells_of_their_own_though_as_large() -> None:
    a, b = sides(noise(8, cells=2), size_bytes=4096, gradients=["gpt2", "resnet50"] * 8)
    found = compared((a, b), "p50")
    assert [row.cell.others for row in found.rows] == [(("gradients", "gpt2"),), (("gradients", "resnet50"),)]
    assert [finding.pairs for _, finding in found.findings()] == [8, 8]
    assert found.differences == ()


def test_variables_and_facts_of_the_hosts_that_differ_are_flagged() -> None:
    def runs(**facts: object) -> pd.DataFrame:
        text = json.dumps({"hosts": [{"hostname": "n1", "memory_bytes": 1, "kernel": "6.1", **facts}]})
        return pd.DataFrame({"run_id": ["r"], "environment_json": [text]})

    a, b = sides(noise(8))
    b = replace(b, runs=runs(variables={"NCCL_ALGO": "Ring"}, hostname="n2", mtus={"ens5f0": 1500}))
    found = compared((replace(a, runs=runs(mtus={"ens5f0": 9000})), b), "p50").differences
    assert [(each.what, each.a, each.b) for each in found] == [
        ("MTU of ens5f0", "9000", "1500"),
        ("NCCL_ALGO", "none", "Ring"),
    ]


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("is_simulated", True, "times from a model are no measurement"),
        ("source", "nccl-tests", "what another tool calls a time"),
        ("cadence", "streaming", "different measurements"),
        ("launch", "graph", "different measurements"),
        ("shared_gpu", True, "ranks that share a GPU"),
        ("world_size", 32, "no measurement in common: world_size is 16 against 32"),
    ],
)
def test_what_cannot_be_compared_is_refused(column: str, value: object, said: str) -> None:
    a, b = sides(noise(8))
    with pytest.raises(UsageError, match=said):
        compared((a, changed(b, **{column: value})), "p50")


@pytest.mark.parametrize("column", ["cadence", "launch", "source", "size_bytes"])
def test_nothing_is_compared_by_what_makes_it_incomparable(column: str) -> None:
    with pytest.raises(UsageError, match=f"{column} cannot be compared"):
        compare(*sides(noise(8)), (column,), MARGIN)


def test_a_fabric_that_did_not_carry_the_bytes_is_refused_as_by_a_gate() -> None:
    a, b = sides(noise(8))
    with pytest.raises(GateError, match="did not use the fabric of their label") as refused:
        compared((a, changed(b, fabric_verdict="contradicted", fabric_reason="eth0 moved them")), "p50")
    assert refused.value.exit_code == ExitCode.GATE


def test_sides_that_share_measurements_or_have_none_are_refused() -> None:
    a, b = sides(noise(8))
    with pytest.raises(UsageError, match="share 8 measurements"):
        compared((a, a), "p50")
    with pytest.raises(UsageError, match="nothing in the store is b"):
        compared((a, replace(b, points=b.points[:0])), "p50")


def imported(fabric: str, times_us: Floats, point_from: int = 0) -> Selected:
    made = side(fabric, times_us, point_from=point_from, source="nccl-tests", iterations=20, run_id=fabric)
    nothing = dict.fromkeys(("latency_p50_us", "latency_p99_us", "latency_max_us", "busbw_gb_s"))
    return changed(made, **nothing, elapsed_mean_us=times_us.ravel(), busbw_mean_gb_s=1 / times_us.ravel())


def test_imported_logs_of_one_sample_each_are_never_more_than_that() -> None:
    found = compare(imported("a", np.array([[10.0]])), imported("b", np.array([[15.0]]), 9), ("run_id",), MARGIN)
    assert found.imported_from == "nccl-tests"
    assert found.verdicts == {Verdict.ONE_SAMPLE: 2}
    assert [finding.metric for _, finding in found.findings()] == ["mean", "busbw"]
    assert found.rows[0].findings[0].ratio == pytest.approx(2 / 3)
    assert found.rows[0].findings[0].ratio_interval == (0.0, inf)
    assert "in one sample each, so without any certainty" in found.sentences[0]


def test_the_size_where_the_winner_changes_is_found_between_its_neighbours() -> None:
    generator, blocks = np.random.default_rng(6), 16
    crossing = 20_000.0
    slope = 0.05 * np.log(np.array(SIZES) / crossing)  # ln(A / B): A is faster below the crossing
    log_times = Noise(cell=0.01).draw(generator, len(SIZES), blocks)
    log_times[:, 0] += slope
    (found,) = compared(sides(log_times), "p50").crossovers
    assert (found.below, found.series.collective, found.metric) == ("a", COLLECTIVES[0], "p50")
    assert found.low_bytes <= crossing <= found.high_bytes
    assert found.low_bytes <= found.size_bytes <= found.high_bytes
    assert found.high_bytes / found.low_bytes < 10
    assert compared(sides(Noise(cell=0.01).draw(generator, len(SIZES), blocks)), "p50").crossovers == ()


def test_one_sentence_sums_up_latency_and_one_bandwidth() -> None:
    found = compared(sides(noise(14, cells=len(SIZES)), 1.2))
    latency, bandwidth = found.sentences
    assert latency.startswith("Latency up to 64 KiB (5 cells): a is faster in 5, by 19.")
    assert bandwidth.startswith("Bandwidth from 4 MiB on (3 cells): a is faster in 3, by ")
