import json
import subprocess
import sys
from pathlib import Path

import pytest

from commbench.assets import folder, suite_files
from commbench.plan.expand import expand
from commbench.plan.load import load
from commbench.plan.machine import usable_gpu_count

RANKS = 4
SUITES = suite_files()


def test_there_are_suites() -> None:
    assert {"smoke", "simulated"} <= {path.stem for path in SUITES}


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_every_suite_that_comes_along_loads_under_its_own_name_and_expands(path: Path) -> None:
    loaded = load(path.stem)
    assert (loaded.suite.about.name, loaded.text) == (path.stem, path.read_text())
    if loaded.suite.sweep.backend == "nccl" and usable_gpu_count() < RANKS:
        pytest.skip(f"needs {RANKS} GPUs")
    ranks = max(RANKS, *loaded.suite.sweep.ranks, 0)
    plan = expand(loaded, world_size=ranks)
    assert plan.world_size == ranks
    assert [point.point_id for point in plan.points] == list(range(len(plan.points)))


def test_the_schema_that_editors_use_is_up_to_date() -> None:
    done = subprocess.run([sys.executable, "-m", "commbench", "schema"], capture_output=True, text=True, check=True)
    assert (folder("suites") / "schema.json").read_text() == done.stdout
    assert json.loads(done.stdout)["type"] == "object"


@pytest.mark.parametrize("path", SUITES, ids=lambda path: path.stem)
def test_every_suite_names_the_schema_for_editors(path: Path) -> None:
    assert path.read_text().startswith("#:schema ./schema.json\n")
