"""Bucketed collectives on real ranks: swept, verified, stored and shown, with their parts apart."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.ranks.conftest import clean_environment

pytestmark = pytest.mark.ranks

SUITE = """
[suite]
name = "buckets"
[sweep]
collectives = ["bucketed_all_reduce", "bucketed_reduce_scatter"]
gradients = ["shapes.toml", "many.toml"]
dtypes = ["float32", "bfloat16", "float8_e4m3fn"]
ranks = [2, 3]
backend = "gloo"
[measure]
iterations = 4
visit_iterations = 4
warmup_iterations = 1
verify_share = 0.5
"""
SHAPES = "shapes = [[64, 3, 7, 7], [64], [0], [], [1000, 33], [1000]]"  # an empty one, a scalar, tails of all sorts
COUNT = 64 * 3 * 7 * 7 + 64 + 1 + 33_000 + 1000


def _commbench(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "commbench", *words, "--store", str(folder / "store")]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=clean_environment(), cwd=folder)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("buckets")
    (folder / "shapes.toml").write_text(SHAPES)
    (folder / "many.toml").write_text(f"shapes = {[[64]] * 300}")
    (folder / "buckets.toml").write_text(SUITE)
    done = _commbench(folder, "run", "buckets.toml")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def points(swept: Path) -> pd.DataFrame:
    return pd.read_parquet(swept / "store" / "points")


def test_every_set_and_type_is_measured_right_on_every_rank_count(points: pd.DataFrame) -> None:
    assert len(points) == 2 * 2 * 3 * 2
    assert set(points["status"]) == {"ok"}
    assert (points["wrong_count"] == 0).all()
    assert (points["verified_calls"] == 2).all()


def test_rows_name_the_set_and_have_its_size_in_the_type_that_travels(points: pd.DataFrame) -> None:
    mine = points[points["gradients"].str.startswith("shapes-")]
    assert len(mine) == len(points) / 2
    assert (mine["count"] == COUNT).all()
    element_bytes = mine["dtype"].map({"float32": 4, "bfloat16": 2, "float8_e4m3fn": 1})
    assert (mine["size_bytes"] == COUNT * element_bytes).all()
    assert points["series_id"].nunique() == len(points)


def test_the_parts_are_there_and_none_is_longer_than_the_longest_call(points: pd.DataFrame) -> None:
    for name in ("pack_p50_us", "communication_p50_us", "unpack_p50_us"):
        assert (points[name] > 0).all()
        assert (points[name] < points["makespan_max_us"]).all()


def test_show_prints_set_and_parts(swept: Path) -> None:
    shown = _commbench(swept, "show")
    assert shown.returncode == 0, shown.stderr
    assert "# bucketed_all_reduce: shapes-" in shown.stdout
    assert shown.stdout.count("p50 of parts (us): pack ") == 2 * 2 * 3 * 2
    assert all(len(line) <= 100 for line in shown.stdout.splitlines() if not line.startswith("# "))
