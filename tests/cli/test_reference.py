"""Right after cloning there is something to show: the reference results."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .command import environment

ROOT = Path(__file__).parents[2]


def commbench(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "commbench", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment())


@pytest.fixture
def fresh_clone(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "results" / "reference", tmp_path / "results" / "reference")
    return tmp_path


@pytest.mark.parametrize("words", [("show",), ("export", "--format", "csv"), ("report", "-o", "-")])
def test_without_a_run_of_ones_own_the_reference_is_read_and_named(fresh_clone: Path, words: tuple[str, ...]) -> None:
    done = commbench(fresh_clone, *words)
    assert done.returncode == 0, done.stderr
    assert "all_reduce" in done.stdout
    assert "these are the reference results in results/reference" in done.stderr


def test_a_store_that_was_named_is_never_replaced_by_the_reference(fresh_clone: Path) -> None:
    done = commbench(fresh_clone, "show", "--store", "elsewhere")
    assert done.returncode == 3
    assert "elsewhere" in done.stderr
