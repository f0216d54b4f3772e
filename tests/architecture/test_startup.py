import subprocess
import sys

import pytest

HEAVY = {"torch", "cupy", "pandas", "numpy", "pyarrow", "pydantic", "rich", "plotly"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["run", "--help"],
        ["locate", "--help"],
        ["show", "--help"],
        ["nightly", "--help"],
        ["regress", "--help"],
        ["export", "--help"],
        ["compare", "--help"],
        ["store", "check", "--help"],
    ],
    ids=" ".join,
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "commbench", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "click" in loaded
    assert not loaded & HEAVY
