from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MAX_LINES = 300


@pytest.mark.parametrize(
    "path", sorted((ROOT / "commbench").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_no_module_is_longer_than_a_few_screens(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_LINES


@pytest.mark.parametrize("folder", ["kernels", "suites"])
def test_the_data_folders_hold_no_python(folder: str) -> None:
    assert (ROOT / folder).is_dir()
    assert not list((ROOT / folder).rglob("*.py"))  # it would shadow other packages and break the type checkers
