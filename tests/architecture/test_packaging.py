"""What is built holds everything that is in the tree: the list of packages is kept by hand."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytest.importorskip("build", reason="the extra dev is not installed: no `build` to build with")
pytest.importorskip("setuptools", reason="no setuptools here, and a build must not go to the network for one")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build sdist and, from it, the wheel; from a copy, since setuptools writes into the tree that it builds."""
    tree, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("dist")
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
    for name in ("commbench", "suites", "kernels"):
        shutil.copytree(ROOT / name, tree / name, ignore=ignored)
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(ROOT / name, tree / name)
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(tree)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def data_and_code() -> set[str]:
    """Return all files of the package, by the path that they have when installed."""
    code = {str(path.relative_to(ROOT)) for path in (ROOT / "commbench").rglob("*.py")}
    suites = {
        f"commbench/suites/{path.name}" for path in (ROOT / "suites").iterdir() if path.suffix in {".toml", ".json"}
    }
    kernels = {
        f"commbench/kernels/{path.name}" for path in (ROOT / "kernels").iterdir() if path.suffix in {".cu", ".cuh"}
    }
    return code | suites | kernels | {"commbench/py.typed"}


def test_the_wheel_holds_exactly_the_packages_files(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    members = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert members == data_and_code()
    assert "commbench/suites/schema.json" in members


def test_the_sdist_holds_all_that_the_wheel_is_built_of(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as file:
        members = {name.partition("/")[2] for name in file.getnames()}
    in_tree = {
        name.removeprefix("commbench/") if name.startswith(("commbench/suites/", "commbench/kernels/")) else name
        for name in data_and_code()
    }
    assert in_tree | {"pyproject.toml", "LICENSE", "README.md"} <= members


def test_the_wheel_works_where_there_is_no_checkout(built: Path, tmp_path: Path) -> None:
    (wheel,) = built.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path)
    program = (
        "import sys, commbench; assert commbench.__file__.startswith(sys.argv[1]); sys.argv[1:] = ['plan', 'smoke']"
    )
    program += "; from commbench.cli.main import main; main()"
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "all_reduce" in done.stdout
