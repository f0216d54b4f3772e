"""Suites written for one test each."""

from pathlib import Path

from commbench.plan.load import LoadedSuite, load


def suite_text(sweep: str = "", measure: str = "", extra: str = "") -> str:
    """Return a right suite with lines added; a key that is given replaces the default one."""
    defaults = {"collectives": '["all_reduce"]', "sizes": '["1KiB"]', "ranks": "[2]", "backend": '"gloo"'}
    kept = [f"{key} = {value}" for key, value in defaults.items() if f"{key} =" not in sweep]
    return "\n".join(["[suite]", 'name = "mine"', "[sweep]", *kept, sweep, "[measure]", measure, extra])


def write(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def loaded(folder: Path, sweep: str = "", measure: str = "", extra: str = "") -> LoadedSuite:
    return load(str(write(folder, suite_text(sweep, measure, extra))))
