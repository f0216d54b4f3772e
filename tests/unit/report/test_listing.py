from pathlib import Path

import pandas as pd

from commbench.model.plan import Plan, Protocol, Stopping
from commbench.model.point import Point
from commbench.report.listing import NO_RUNS, plan_table, runs_table

from .frames import STARTED, mixed, run, runs

GOLDEN = Path(__file__).parent / "golden"


def plan(backend: str = "gloo") -> Plan:
    common = ("float32", "sum", 2, 1, True, backend, "auto", "isolated", "host", 0.0)
    points = (
        Point(0, "all_reduce", 64, 64, 16, *common, memory_bytes=192, estimate_s=0.25),
        Point(1, "all_reduce", 2**20, 2**20, 2**18, *common, memory_bytes=3 * 2**20, estimate_s=12.0),
        Point(2, "all_reduce", 2, 0, 0, *common, memory_bytes=0, estimate_s=0.0, skip_reason="rounds to nothing"),
    )
    return Plan("smoke", "hash", "", backend, 4, 1, Protocol(Stopping("fixed", 10), 2, 10, 60.0), points)


def test_plan() -> None:
    assert plan_table(plan()) == (GOLDEN / "plan.txt").read_text(encoding="utf-8")


def test_a_simulated_plan_says_so() -> None:
    assert plan_table(plan("simulated")).startswith("SIMULATED: not a measurement\n")


def test_runs_with_their_sessions_merged() -> None:
    later = STARTED + pd.Timedelta(hours=1)
    frame = runs(
        run(run_id="run-b", session=1, started_at=later, points_final=3),
        run(run_id="run-b", session=0, exit_state="interrupted", points_final=4),
        run(points_final=5, exit_state="failed", reason="rank 3\ndied"),
    )
    assert runs_table(frame, mixed()) == (GOLDEN / "runs.txt").read_text(encoding="utf-8")


def test_no_runs() -> None:
    assert runs_table(runs()) == NO_RUNS
