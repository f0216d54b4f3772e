"""P18, P25, B11, B13: what the schedule makes of drift, and that its caps hold; and who may spin on a core."""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from commbench.environment.noise import NoiseGauge
from commbench.measure.schedule import Schedule
from commbench.measure.steps import Do
from commbench.measure.stopping import Adaptive, FixedIterations, StoppingRule
from commbench.measure.tally import Gathered, Tally, Visited
from commbench.model.plan import Stopping
from commbench.model.point import Point
from commbench.model.result import Samples
from commbench.plan.expand import expand
from commbench.plan.load import load
from tests.truth.table import TruthTable
from tests.truth.virtual import US

WHERE = "truth/test_schedule_truth.py"
VISITS, VISIT_CALLS = 40, 20
CALL_NS, DRIFT = 100 * US, 0.30


def _points() -> tuple[Point, ...]:
    """Eleven sizes of one collective."""
    return tuple(point for point in expand(load("smoke")).points if not point.skip_reason)[:11]


def _run(kind: str, rule: StoppingRule, call_ns: Callable[[int], float]) -> list[Tally]:
    """Go through a schedule; `call_ns` says what every call takes in the n-th visit of all."""
    points = _points()
    tallies, rng, visits = {point.point_id: Tally(point, 0) for point in points}, np.random.default_rng(18), 0
    schedule = Schedule(tallies, rule, lambda _: VISIT_CALLS, lambda: False, seed=18)
    noise = NoiseGauge()
    nothing = noise.between(noise.reading(), noise.reading())
    for step in itertools.chain.from_iterable(getattr(schedule, kind)(list(tallies))):
        tally = tallies[step.point_id]
        if step.do is Do.VISIT:
            times = (call_ns(visits) * np.exp(0.01 * rng.standard_normal(step.calls))).astype(np.int64)
            tally.add(Visited(times))
            visits += 1
        elif step.do is Do.GATHER:
            stamps = np.tile(np.concatenate(tally.times[-tally.pending :]), (2, 1))
            tally.add_gathered(Gathered(Samples(np.zeros_like(stamps), stamps), 0, 0, nothing))
    return list(tallies.values())


def _size_effect(kind: str) -> float:
    """Return by how much the last size seems slower than the first, when all take the same and the machine drifts."""
    all_visits = len(_points()) * VISITS
    rule = FixedIterations(VISITS * VISIT_CALLS)
    tallies = _run(kind, rule, lambda visit: CALL_NS * (1 + DRIFT * visit / all_visits))
    p50 = [float(np.median(np.concatenate(tally.times))) for tally in tallies]
    slope = np.polyfit(np.linspace(0, 1, len(p50)), np.log(p50), 1)[0]
    return float(np.exp(slope) - 1)


def test_P18_B13_drift_is_no_size_effect_when_points_are_interleaved(truth_table: TruthTable) -> None:
    interleaved, sequential = _size_effect("interleaved"), _size_effect("sequential")
    holds = abs(interleaved) <= 0.03
    truth_table.add(
        "P18, B13 sizes that take the same, while the machine drifts by 30 %",
        "slope over sizes within 3 %",
        f"{interleaved:+.1%} interleaved; {sequential:+.1%} one after another",
        holds,
        WHERE,
    )
    assert holds
    assert sequential > 0.2


def test_B11_caps_hold_and_what_has_not_converged_says_so(truth_table: TruthTable) -> None:
    """Visits that never agree: 1 x and 3 x in turn."""
    rule = Adaptive(Stopping("adaptive", epsilon=0.01, max_visits=20, budget_s=1e9))
    tallies = _run("interleaved", rule, lambda visit: CALL_NS * (1 if visit % 2 else 3))
    visits, converged = {len(tally.times) for tally in tallies}, [rule.has_converged(tally.times) for tally in tallies]
    holds = visits == {20} and not any(converged)
    measured = f"visits {visits}, converged {sum(converged)} of {len(converged)}"
    truth_table.add("B11 visits that never agree, at most 20", "20 visits, not converged", measured, holds, WHERE)
    assert holds


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the kernel cannot pin a process to a core")
@pytest.mark.alone
def test_P25_who_shares_a_core_must_not_spin(truth_table: TruthTable) -> None:
    """commbench has no windows, in which ranks would spin; this check is what they would have to ask first."""
    core = min(os.sched_getaffinity(0))
    pin = f"import os; os.sched_setaffinity(0, {{{core}}})"
    busy = subprocess.Popen([sys.executable, "-c", f"{pin}\nwhile True: pass"])
    try:
        ask = f"{pin}\nfrom commbench.measure.spin_check import lost_share; print(lost_share(0.5))"
        done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    finally:
        busy.kill()
        busy.wait()
    lost = float(done.stdout)
    truth_table.add("P25 two processes spin on one core", "> 0.1 % lost: refused", f"{lost:.0%}", lost > 0.1, WHERE)
    assert lost > 0.1
