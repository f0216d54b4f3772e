from pathlib import Path

import pytest

from .command import TINY, Workplace


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    return Workplace(tmp_path)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """A workplace with one run of the tiny suite, only to be read."""
    workplace = Workplace(tmp_path_factory.mktemp("measured"))
    workplace.write("tiny.toml", TINY)
    done = workplace.run("run", "./tiny.toml", "--cluster", "lab")
    assert done.returncode == 0, done.stderr
    return workplace
