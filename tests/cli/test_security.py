"""Secrets of the person who runs a sweep do not end up in the store, and no name leads out of it."""

from pathlib import Path

import pandas as pd
import pytest

from .command import TINY, Workplace

SECRET = "hunter2-4f9c"


def _everything_stored(store: Path) -> str:
    frames = [pd.read_parquet(store / dataset) for dataset in ("points", "runs", "ranks", "samples")]
    tables = "".join(frame.to_csv() for frame in frames)
    return tables + "".join(path.read_text() for path in store.rglob("*.json*"))


def test_secrets_of_the_environment_and_the_command_line_are_not_stored(workplace: Workplace) -> None:
    workplace.write("tiny.toml", TINY)
    arguments = ("run", "./tiny.toml", "--cluster", "lab")
    variables = {
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_ENDPOINT_URL": f"http://{SECRET}@localhost",
        "GITHUB_TOKEN": SECRET,
        "NCCL_API_TOKEN": SECRET,
        "TORCH_HOME": f"https://me:{SECRET}@host",
        "MY_PASSWORD": SECRET,
        "NCCL_DEBUG": "WARN",
    }
    done = workplace.run(*arguments, **variables)
    assert done.returncode == 0, done.stderr
    stored = _everything_stored(workplace.store)
    assert "WARN" in stored
    assert "***@host" in stored
    assert SECRET not in stored


@pytest.mark.parametrize("name", ["../../evil", "/tmp/evil", "a/b", ""])
def test_a_suite_cannot_be_named_after_a_path(workplace: Workplace, name: str) -> None:
    workplace.write("evil.toml", TINY.replace('"tiny"', f'"{name}"'))
    done = workplace.run("run", "./evil.toml")
    assert done.returncode == 2
    assert "name" in done.stderr
    assert [path.name for path in workplace.path.rglob("*")] == ["evil.toml"]


@pytest.mark.parametrize("arguments", [("show",), ("report",), ("export",)])
def test_a_run_that_is_named_after_a_path_is_no_run(measured: Workplace, arguments: tuple[str, ...]) -> None:
    done = measured.run(*arguments, "../../../etc/passwd")
    assert done.returncode == 2
    assert "no run '../../../etc/passwd'" in done.stderr
