import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_hand_kept_list_of_packages_is_that_of_the_tree() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "commbench").rglob("__init__.py")}
    assert sorted(listed) == sorted(found | {"commbench.kernels", "commbench.suites"})
