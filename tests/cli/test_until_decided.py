"""A suite that decides, as a user runs it: blocks until the comparison is decided, then the comparison."""

import os
import signal
from pathlib import Path

import pandas as pd
import pytest

from commbench.cli.main import main
from commbench.errors import ExitCode

from .command import Workplace

SUITE = """\
[suite]
name = "two"
seed = {seed}
[sweep]
collectives = ["all_reduce"]
sizes = ["4KiB", "4MiB"]
ranks = [2]
backend = "simulated"
fabrics = ["infiniband", "roce"]
[measure]
decide = "3%"
launches = 6
max_launches = {most}
iterations = 10
[fabrics.roce]
kind = "roce"
time_factor = {factor}
[simulated]
noise_sigma = 0.01
launch_sigma = {sigma}
"""


def commbench(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        main([*arguments])
    return int(stopped.value.code or 0)


@pytest.fixture(autouse=True)
def _workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("COMMBENCH_", "SLURM_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def measure(factor: float, sigma: float, most: int = 30, seed: int = 1, of_roce: str = "") -> pd.DataFrame:
    suite = SUITE.replace("[simulated]", f"{of_roce}[simulated]")
    Path("two.toml").write_text(suite.format(factor=factor, sigma=sigma, most=most, seed=seed))
    assert commbench("run", "./two.toml") == ExitCode.OK
    return pd.read_parquet("results/points")


def blocks(points: pd.DataFrame) -> int:
    measured = points[points["status"] == "ok"]
    assert measured.groupby("block")["fabric"].nunique().eq(2).all(), "every block holds a launch of either fabric"
    return int(measured["block"].nunique())


def test_a_plain_difference_is_decided_with_the_fewest_blocks_and_the_winner_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    points = measure(factor=1.3, sigma=0.005, of_roce='[fabrics.roce.variables]\nNCCL_ALGO = "Tree"\n')
    assert blocks(points) == 8, "the medians and worst cases of two cells need eight pairs"
    said = capsys.readouterr()
    assert said.out.startswith("# infiniband against roce: 8 pairs of launches, side by side in blocks; margin 3 %")
    assert said.out.count("infiniband faster by") == 6
    assert "# launch 16 of at most 60, fabric" in said.err
    assert "undecided" not in said.out
    assert "also different: NCCL_ALGO, by the suite: none against Tree (2 cells)" in said.out
    assert commbench("compare", "--by", "fabric") == ExitCode.OK
    assert capsys.readouterr().out == said.out, "what was decided is what everybody finds who compares later"


def test_blocks_never_run_are_neither_missing_nor_shown(capsys: pytest.CaptureFixture[str]) -> None:
    points = measure(factor=1.3, sigma=0.005)
    runs = pd.read_parquet("results/runs")
    assert runs["exit_state"].tolist() == ["complete"]
    assert runs["points_final"].tolist() == runs["points_planned"].tolist() == [len(points)]
    left = points[points["status"] != "ok"]
    assert set(left["error"]) == {"not needed: all medians are decided after 8 blocks"}
    assert commbench("run", "./two.toml", "--resume") == ExitCode.USAGE, "nothing is unfinished"
    capsys.readouterr()
    assert commbench("show") == ExitCode.OK
    assert "not needed" not in capsys.readouterr().out
    assert commbench("compare", "--by", "fabric") == ExitCode.OK
    assert "left out" not in capsys.readouterr().out


def test_a_noisier_comparison_takes_more_blocks(capsys: pytest.CaptureFixture[str]) -> None:
    points = measure(factor=1.06, sigma=0.02)
    assert blocks(points) > 8
    assert capsys.readouterr().out.count("infiniband faster by") >= 4


def test_at_its_cap_a_comparison_stays_undecided_and_says_how_many_more_blocks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    points = measure(factor=1.0, sigma=0.1, most=8)
    assert blocks(points) == 8
    assert set(points["status"]) == {"ok"}
    said = capsys.readouterr().out
    assert "more blocks" in said
    assert "faster by" not in said


@pytest.mark.parametrize("seed", range(5))
def test_the_same_fabric_twice_never_has_a_winner(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    measure(factor=1.0, sigma=0.01, seed=seed)
    assert "faster by" not in capsys.readouterr().out


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=lambda how: how.name)
def test_a_deciding_run_that_was_ended_goes_on_where_it_was(workplace: Workplace, how: signal.Signals) -> None:
    most = 20
    workplace.write("two.toml", SUITE.format(factor=1.0, sigma=0.1, most=most, seed=1))
    with workplace.start("run", "./two.toml") as process:
        workplace.wait_for_results(more=15)
        process.send_signal(how)
        process.communicate(timeout=90)
    done = workplace.run("run", "./two.toml", "--resume")
    assert done.returncode == ExitCode.OK, done.stderr
    points = workplace.rows()
    assert blocks(points) == most
    assert set(points["status"]) == {"ok"}
    assert not points.duplicated(["block", "fabric", "size_bytes"]).any()
    assert points["session"].nunique() == 2
    assert f"{most} pairs of launches" in done.stdout
    assert "faster by" not in done.stdout
