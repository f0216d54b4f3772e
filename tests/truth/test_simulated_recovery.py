"""P19, A2: the whole program, run on the simulated fabric, recovers medians that are known, and fixed counts do not.

Every repeat is a run with another seed, through the schedule, the visits and the adaptive rule that real ranks use, and
what is held to the claim is the row that the store gets.
CI makes 60 repeats of each law, `make truth` 300.
"""

import os
from dataclasses import replace

import numpy as np
import pytest

from commbench.backend.noise_laws import NOISE_LAWS, true_median_factor
from commbench.backend.simulated import true_time_ns
from commbench.measure.stopping import Adaptive
from commbench.model.plan import Plan, Protocol, Stopping, Truth
from commbench.model.result import PointResult
from commbench.store.protocol_rows import protocol_row, taken_apart
from tests.truth.simulated import point_of, results_of
from tests.truth.table import TruthTable
from tests.truth.virtual import US

WHERE = "truth/test_simulated_recovery.py"
REPEATS = 300 if "COMMBENCH_TRUTH_TABLE" in os.environ else 60
EPSILON = 0.02
WITHIN, COVERED = 0.97, 0.95
VISIT_CALLS = 100
STOPPING = Stopping("adaptive", epsilon=EPSILON, max_visits=90, budget_s=1e9)
PROTOCOL = Protocol(STOPPING, warmup_iterations=2, visit_iterations=VISIT_CALLS, point_limit_s=60.0, verify_share=0.0)


def run(noise: str, seed: int) -> PointResult:
    truth = Truth(alpha_us=50.0, noise=noise, noise_sigma=0.1, arrival_us=1.0)
    point = point_of("all_reduce", 64 * 1024, world_size=2)
    plan = Plan("recovery", "hash", "text", "simulated", 2, seed, PROTOCOL, (point,), truth)
    (result,) = results_of(plan)
    return result


@pytest.mark.parametrize("noise", NOISE_LAWS)
def test_P19_A2_a_run_recovers_the_median_and_its_interval_covers_it(noise: str, truth_table: TruthTable) -> None:
    truth = Truth(alpha_us=50.0, noise=noise, noise_sigma=0.1)
    median_ns = true_time_ns(point_of("all_reduce", 64 * 1024, world_size=2), truth) * true_median_factor(truth)
    within: list[bool] = []
    covered: list[bool] = []
    fixed: dict[int, list[bool]] = {5: [], 20: []}
    for seed in range(REPEATS):
        result = run(noise, seed)
        assert result.samples is not None
        decomposed = taken_apart(result, result.samples)
        latency_ns = decomposed.headline_ns
        row = protocol_row(result, result.samples, decomposed)
        p50_ns, low_ns, high_ns = (float(str(row[f"latency_p50{end}_us"])) * US for end in ("", "_low", "_high"))
        assert result.converged == Adaptive(STOPPING).has_converged(np.split(latency_ns, len(result.visit_calls)))
        within.append(abs(p50_ns / median_ns - 1) <= EPSILON)
        covered.append(low_ns <= median_ns <= high_ns)
        for n, hits in fixed.items():
            hits.append(bool(abs(np.median(latency_ns[:n]) / median_ns - 1) <= EPSILON))
    shares = {n: float(np.mean(hits)) for n, hits in fixed.items()}
    measured = f"within {np.mean(within):.1%}, covered {np.mean(covered):.1%}"
    measured += f"; within with n = 20: {shares[20]:.0%}, n = 5: {shares[5]:.0%}"
    holds = bool(np.mean(within) >= WITHIN and np.mean(covered) >= COVERED)
    claim = f"A2 simulated fabric, {noise} noise: p50 of a whole run, {REPEATS} runs"
    truth_table.add(claim, "p50 within 2 % in 97 %, interval covers in 95 %", measured, holds, WHERE)
    assert holds, measured
    assert shares[5] < np.mean(within), "a fixed count of 5 would have done"


def test_P19_points_that_take_turns_each_recover_their_own_median(truth_table: TruthTable) -> None:
    truth = Truth(alpha_us=50.0, noise="lognormal", noise_sigma=0.1)
    sizes, worlds = (64 * 1024, 1024 * 1024, 16 * 1024 * 1024), (2, 4)
    points = [point_of("all_reduce", size, world, 0) for world in worlds for size in sizes]
    plan = Plan(
        *("turns", "hash", "text", "simulated", max(worlds), 3, replace(PROTOCOL, schedule="interleaved")),
        tuple(replace(point, point_id=number) for number, point in enumerate(points)),
        truth,
    )
    found = {result.point: result for result in results_of(plan)}
    assert len(found) == len(points)
    ratios = []
    for point, result in found.items():
        assert result.samples is not None
        assert result.samples.enter_ns.shape[0] == point.world_size
        ratios.append(float(np.median(taken_apart(result, result.samples).headline_ns)) / true_time_ns(point, truth))
    holds = max(abs(ratio - 1) for ratio in ratios) <= EPSILON
    claim = f"A2 {len(points)} points of two world sizes, visited in turn"
    said = f"{min(ratios):.3f} to {max(ratios):.3f} of the truth"
    truth_table.add(claim, "p50 of each within 2 %", said, holds, WHERE)
    assert holds, ratios


def test_P19_the_same_seed_gives_the_same_run() -> None:
    first, again = run("visits", 7), run("visits", 7)
    assert first.samples is not None
    assert again.samples is not None
    assert np.array_equal(first.samples.exit_ns, again.samples.exit_ns)
    assert replace(first, samples=None, started_at_ns=0, span_s=0.0, others_share=None) == replace(
        again, samples=None, started_at_ns=0, span_s=0.0, others_share=None
    )
