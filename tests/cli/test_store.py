"""`commbench store` as a user runs it."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from commbench.store.store import Store
from tests.unit.store.upkeep_store import append_night, night

from .command import TINY_POINTS, Workplace


@pytest.fixture
def copied(measured: Workplace, tmp_path: Path) -> Workplace:
    """A workplace whose store may be damaged."""
    shutil.copytree(measured.store, tmp_path / "results")
    return Workplace(tmp_path)


def test_a_sound_store_passes_the_check(copied: Workplace) -> None:
    done = copied.run("store", "check")
    assert done.returncode == 0, done.stderr
    assert "contents checked; 0 faults" in done.stdout


@pytest.mark.parametrize("as_json", [False, True])
def test_a_damaged_file_fails_the_check_by_name(copied: Workplace, *, as_json: bool) -> None:
    path = next(copied.store.glob("samples/*/*"))
    path.write_bytes(path.read_bytes()[:-20])
    done = copied.run("store", "check", *(["--json"] if as_json else []))
    assert done.returncode == 1
    assert path.name in done.stdout
    if as_json:
        found = json.loads(done.stdout)
        assert not found["is_sound"]
        assert [finding["is_fault"] for finding in found["findings"]] == [True]


def test_stats_count_what_pandas_counts(copied: Workplace) -> None:
    done = copied.run("store", "stats", "--json")
    months = {month["dataset"]: month for month in json.loads(done.stdout)["months"]}
    for dataset in ("points", "samples", "ranks", "runs"):
        frame = pd.read_parquet(copied.store / dataset)
        assert months[dataset]["rows"] == len(frame)
        assert months[dataset]["files"] == 1
        assert months[dataset]["size_bytes"] == sum(path.stat().st_size for path in copied.store.glob(f"{dataset}/*/*"))
    samples = pd.read_parquet(copied.store / "samples")
    assert months["samples"]["samples"] == samples["time_ns"].map(len).sum()
    assert "samples" in copied.run("store", "stats").stdout


def test_compact_says_what_it_did_and_the_store_reads_as_before(copied: Workplace) -> None:
    before = copied.run("list").stdout
    assert "2 months copied" in copied.run("store", "compact").stdout
    assert "2 were up to date" in copied.run("store", "compact").stdout
    assert copied.run("list").stdout == before
    assert len(copied.rows()) == TINY_POINTS  # pandas sees the published files alone


def test_compact_exits_with_1_when_a_month_is_damaged(copied: Workplace) -> None:
    path = next(copied.store.glob("points/*/*"))
    path.write_bytes(path.read_bytes()[:-20])
    done = copied.run("store", "compact")
    assert done.returncode == 1
    assert path.name in done.stderr


def test_prune_only_lists_until_it_is_told_to_remove(copied: Workplace) -> None:
    append_night(Store.open(copied.store, create=True), "run-of-2020", night(3, 10, 2020))
    listed = copied.run("store", "prune", "--older-than", "2y")
    assert listed.returncode == 0, listed.stderr
    assert "repeat with --yes" in listed.stdout
    assert len(list(copied.store.glob("samples/*/*"))) == 2
    removed = copied.run("store", "prune", "--older-than", "2y", "--yes").stdout
    assert "run-of-2020-s0.parquet" in removed
    assert "removed 1 file" in removed
    assert len(list(copied.store.glob("samples/*/*"))) == 1
    assert len(copied.rows()) == TINY_POINTS + 2
    assert copied.run("store", "check", "--footers").returncode == 0


def test_prune_of_something_young_removes_nothing(copied: Workplace) -> None:
    done = copied.run("store", "prune", "--older-than", "1d", "--dataset", "all", "--yes")
    assert done.returncode == 0
    assert len(copied.rows()) == TINY_POINTS


@pytest.mark.parametrize("command", [["check"], ["stats"], ["compact"], ["prune", "--older-than", "1d"]], ids=str)
def test_a_store_that_is_not_there_is_said_and_not_made(command: list[str], tmp_path: Path) -> None:
    done = Workplace(tmp_path).run("store", *command)
    assert done.returncode == 3
    assert "there is no store at results" in done.stderr
    assert not list(tmp_path.iterdir())


def test_an_age_that_is_none_is_refused(copied: Workplace) -> None:
    done = copied.run("store", "prune", "--older-than", "soon", "--yes")
    assert done.returncode == 2
    assert "180d" in done.stderr
