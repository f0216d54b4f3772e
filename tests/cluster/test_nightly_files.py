"""The files of docs/nightly.md: each one parsed as its reader does, and its command run, or held against a schema."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from commbench.cli.main import cli
from tests.cli.command import Workplace, environment
from tests.cli.nights import write_suite

ROOT = Path(__file__).parents[2]
LAUNCH = ROOT / "docs/launch"
BIN = Path(sys.executable).parent
# Five fields of numbers, ranges, steps and lists, then the command: crontab(5), scrontab(1).
CRON_LINE = re.compile(r"((?:[\d*/,-]+\s+){5})(\S.*)")


def cron_commands(path: Path) -> list[str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    found = [CRON_LINE.fullmatch(line) for line in lines if not re.fullmatch(r"[A-Z]+=.*", line)]
    assert all(found)
    return [match[2] for match in found if match]


def parses(words: list[str]) -> None:
    """Check that commbench knows every option of a command line, by its own parser."""
    assert words[0] == "commbench"
    context = cli.make_context("commbench", words[1:2], resilient_parsing=True)
    command = cli.get_command(context, words[1])
    assert command is not None
    command.make_context(words[1], words[2:], parent=context)


def test_the_crontab_line_is_one_and_its_command_is_known() -> None:
    (command,) = cron_commands(LAUNCH / "nightly.crontab")
    assert "%" not in command, "cron ends the command there"
    parses(shlex.split(command.partition("&&")[2].partition(">")[0]))


def test_the_crontab_command_prints_nothing_on_a_green_night_and_everything_on_another(tmp_path: Path) -> None:
    """The line as cron runs it, by sh, with a commbench that is green or not."""
    (command,) = cron_commands(LAUNCH / "nightly.crontab")
    tool = tmp_path / "commbench"
    for code, expected in ((0, ""), (3, "verdict\nlog\n")):
        tool.write_text(f"#!/bin/sh\necho verdict\necho log >&2\nexit {code}\n")
        tool.chmod(0o755)
        line = command.replace("/srv/commbench", str(tmp_path))
        path = f"{tmp_path}:{os.environ['PATH']}"
        done = subprocess.run(["sh", "-c", line], env={"PATH": path}, capture_output=True, text=True, check=False)
        assert done.stdout == expected


def test_scrontab_asks_slurm_for_what_the_batch_file_needs_and_runs_it() -> None:
    path = LAUNCH / "nightly.scrontab"
    (command,) = cron_commands(path)
    options = [line.removeprefix("#SCRON ") for line in path.read_text().splitlines() if line.startswith("#SCRON")]
    assert all(re.fullmatch(r"--[a-z-]+(=\S+)?", option) for option in options)
    assert {option.partition("=")[0] for option in options} >= {"--nodes", "--time", "--ntasks-per-node"}
    words = shlex.split(command)
    assert words[0].startswith("STORE=")
    assert Path(words[-1]).name == "nightly.sbatch"


def test_the_batch_file_is_a_shell_script_that_ends_with_the_verdict_of_its_night(tmp_path: Path) -> None:
    path = LAUNCH / "nightly.sbatch"
    subprocess.run(["bash", "-n", str(path)], check=True)
    workplace = Workplace(tmp_path)
    write_suite(tmp_path, 1)
    variables = environment(SUITE="./night.toml", STORE=str(workplace.store), PATH=f"{BIN}:{os.environ['PATH']}")
    done = subprocess.run(["bash", str(path)], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert "learning: night 1 of 20" in done.stdout
    assert (tmp_path / "history.html").stat().st_size > 0
    without = subprocess.run(
        ["bash", str(path)], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert without.returncode != 0
    assert "set STORE" in without.stderr


def workflow() -> dict[Any, Any]:
    loaded: dict[Any, Any] = yaml.safe_load((LAUNCH / "nightly-github.yml").read_text())
    return loaded


def test_the_workflow_has_what_github_asks_for_and_its_command_is_known() -> None:
    document = workflow()
    # YAML 1.1 reads the key `on` as true.
    triggers = document[True]
    assert CRON_LINE.fullmatch(f"{triggers['schedule'][0]['cron']} x")
    assert set(document) <= {"name", True, "permissions", "concurrency", "env", "jobs"}
    (job,) = document["jobs"].values()
    assert set(job) <= {"runs-on", "timeout-minutes", "env", "steps"}
    measure, keep = job["steps"]
    for step in job["steps"]:
        assert set(step) <= {"name", "if", "run", "uses", "with"}
        assert ("run" in step) != ("uses" in step)
    words = shlex.split(measure["run"].replace("$HOSTS", job["env"]["HOSTS"]).replace("$STORE", job["env"]["STORE"]))
    parses(words)
    kept = keep["with"]["path"].split()
    assert set(kept) <= set(words), "what is kept is what was written"
    assert keep["if"] == "always()", "a red night is the one whose page matters"


@pytest.mark.skipif(shutil.which("actionlint") is None, reason="actionlint is not here; the structure is checked above")
def test_actionlint_finds_nothing_in_the_workflow() -> None:
    subprocess.run(["actionlint", str(LAUNCH / "nightly-github.yml")], check=True)


def test_every_file_and_command_that_the_page_names_is_there() -> None:
    page = (ROOT / "docs/nightly.md").read_text()
    for name in re.findall(r"\((launch/[^)]+)\)", page):
        assert (ROOT / "docs" / name).is_file()
    for name in re.findall(r"commbench ([a-z]+) ", page):
        assert name in cli.list_commands(cli.make_context("commbench", ["--help"], resilient_parsing=True))
