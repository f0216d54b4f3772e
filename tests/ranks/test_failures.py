"""Whatever dies in the middle of a sweep: it is named, finished points are kept, and a resumed run completes."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from commbench.measure.progress import read_boards
from tests.ranks.conftest import Sweep

pytestmark = pytest.mark.ranks
POINTS = 4


def _rank_pid(run: Sweep, rank: int) -> int:
    (journal,) = run.store.glob("_journal/*")
    run.wait_until(lambda: len(read_boards(journal / "progress")) > rank)
    return read_boards(journal / "progress")[rank].pid


def _resume_and_check(run: Sweep) -> None:
    """Every point is measured exactly once, and no (point, attempt) is there twice."""
    done = run.run("--resume")
    assert done.returncode == 0, done.stderr
    points = run.points()
    assert not points.duplicated(["run_id", "point_id", "attempt"]).any()
    assert sorted(points.loc[points["status"] == "ok", "point_id"]) == list(range(POINTS))
    assert points["run_id"].nunique() == 1
    assert not list((run.store / "_journal").iterdir())


def test_a_killed_rank_is_named_with_exit_code_4_and_the_run_can_go_on(sweep: Callable[..., Sweep]) -> None:
    run = sweep(iterations=600)
    process = run.start()
    run.wait_for("result", 2)
    victim = _rank_pid(run, 1)
    os.kill(victim, signal.SIGKILL)
    _, said = process.communicate(timeout=90)
    assert process.returncode == 4, said
    assert f"rank 1 (pid {victim}" in said
    assert "SIGKILL" in said
    assert "--resume" in said
    lost = run.points().query("status == 'error'")
    assert len(lost) == 1
    assert f"rank 1 (pid {victim}" in lost["error"].item()
    assert (run.points()["status"] == "ok").sum() >= 2
    _resume_and_check(run)


def test_a_stopped_rank_is_named_within_the_points_limit(sweep: Callable[..., Sweep]) -> None:
    run = sweep(iterations=600, limit=10)
    process = run.start()
    run.wait_for("result", 1)
    victim = _rank_pid(run, 1)
    os.kill(victim, signal.SIGSTOP)
    _, said = process.communicate(timeout=90)
    assert process.returncode == 4, said
    assert f"rank 1 (pid {victim}) is stopped" in said
    assert run.points().query("status == 'timeout'")["error"].str.contains(f"pid {victim}").all()
    assert not Path(f"/proc/{victim}").exists(), "the stopped rank was left behind"


def test_a_killed_controller_takes_its_ranks_along_and_loses_no_finished_point(sweep: Callable[..., Sweep]) -> None:
    run = sweep(iterations=600)
    process = run.start()
    run.wait_for("result", 2)
    ranks = [_rank_pid(run, rank) for rank in range(2)]
    process.kill()
    process.communicate()
    run.wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in ranks), limit_s=60)
    finished = run.journal_text().count('"kind":"result"')
    assert finished >= 2
    _resume_and_check(run)
    first_session = run.points().query("session == 0")
    assert len(first_session) == finished, "points that were finished before the kill were measured again"


def test_ctrl_c_finishes_the_point_saves_and_prints_the_resume_command(sweep: Callable[..., Sweep]) -> None:
    run = sweep(iterations=600)
    process = run.start()
    run.wait_for("result", 1)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=90)
    assert process.returncode == 130, said
    assert "--resume" in said
    assert set(run.points()["status"]) == {"ok"}
    _resume_and_check(run)


def test_what_a_rank_raises_is_told_in_its_own_words(
    sweep: Callable[..., Sweep], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network interface that does not exist: gloo says so, and so do we."""
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "nosuchif0")
    done = sweep().run()
    assert done.returncode == 4
    assert "nosuchif0" in done.stderr
