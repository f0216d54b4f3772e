"""Nights through the real command, on the simulated fabric: learning, green, a planted loss, and what people decide."""

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import pandas as pd
import pytest

from commbench.cli.nightly_archive import give
from commbench.store.store import Store

from .command import Workplace, environment
from .nights import SERIES, label, write_suite

ROOT = Path(__file__).parents[2]
FIRST_BAD = 25
LOSS = 1.25  # of ib, from night 25 on


# The first test makes 24 nights: 15 s of a processor, of which other tests may leave us little.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workplace, list[int]]:
    """Return a workplace after 24 quiet nights, only to be copied, and the exit code of each night."""
    workplace = Workplace(tmp_path_factory.mktemp("nights"))
    command = [sys.executable, "-m", "tests.cli.nights", "1", str(FIRST_BAD - 1)]
    done = subprocess.run(
        command, cwd=workplace.path, env=environment(PYTHONPATH=str(ROOT)), capture_output=True, text=True, check=False
    )
    codes = next(line for line in done.stdout.splitlines()[::-1] if line.startswith("codes"))
    return workplace, [int(code) for code in codes.split()[1:]]


@pytest.fixture
def quiet(history: tuple[Workplace, list[int]], tmp_path: Path) -> Workplace:
    """Return a workplace after 24 quiet nights."""
    folder = tmp_path / "work"
    shutil.copytree(history[0].path, folder)
    return Workplace(folder)


@pytest.fixture(scope="module")
def red(history: tuple[Workplace, list[int]], tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """Return a workplace after the night of the loss, only to be read."""
    folder = tmp_path_factory.mktemp("red") / "work"
    shutil.copytree(history[0].path, folder)
    workplace = Workplace(folder)
    done = night(workplace, FIRST_BAD, LOSS, *FILES, GITHUB_STEP_SUMMARY=str(folder / "summary.md"))
    assert done.returncode == 1, done.stderr
    (folder / "said.txt").write_text(done.stdout)
    return workplace


@pytest.fixture
def found(red: Workplace, tmp_path: Path) -> Workplace:
    """Return a workplace after the night of the loss."""
    folder = tmp_path / "work"
    shutil.copytree(red.path, folder)
    return Workplace(folder)


FILES = ("--html", "h.html", "--junit", "j.xml", "--metrics", "m.prom", "--json", "v.json", "--webhook", "w.json")


def night(workplace: Workplace, number: int, factor: float, *more: str, **variables: str) -> "Done":
    write_suite(workplace.path, number, factor)
    return workplace.run("nightly", "./night.toml", "--night", label(number), *more, **variables)


Done = subprocess.CompletedProcess[str]


def events(workplace: Workplace) -> pd.DataFrame:
    return Store.open(workplace.store, create=False).incidents()


def runs(workplace: Workplace) -> pd.DataFrame:
    return Store.open(workplace.store, create=False).runs()


def incident_id(workplace: Workplace) -> str:
    return str(events(workplace).query("event == 'opened'")["incident_id"].iloc[-1])


def test_twenty_nights_are_learning_and_say_so_with_3_and_the_next_ones_are_green(
    history: tuple[Workplace, list[int]],
) -> None:
    workplace, codes = history
    assert codes == [3] * 20 + [0] * 4
    nights = events(workplace).query("event == 'night'")
    assert nights["verdict"].tolist() == ["learning"] * 20 + ["ok"] * 4
    assert set(runs(workplace)["purpose"]) == {"nightly"}


def test_a_planted_loss_is_red_the_same_night_with_its_fabric_and_its_size(red: Workplace) -> None:
    said = (red.path / "said.txt").read_text()
    assert said.startswith("# night 2026-01-25 of lab: RED: 1 incident with 2 series; 4 series judged")
    verdict = json.loads((red.path / "v.json").read_text())
    (incident,) = verdict["incidents"]
    assert dict(incident["scope"]["where"])["fabric"] == "ib"
    assert incident["effect"]["estimate"] == pytest.approx(LOSS, rel=0.03)
    assert (incident["since"]["label"], incident["last_good"]["label"]) == ("2026-01-25", "2026-01-24")
    assert all(len(member["measured_us"]) == 3 for member in incident["members"])


def test_only_the_suspects_are_measured_again_and_twice(red: Workplace) -> None:
    again = red.rows().query("purpose == 'confirm'")
    assert again["run_id"].nunique() == 2
    assert set(again["fabric"]) == {"ib"}
    assert len(again) == 2 * SERIES / 2
    first = red.rows().query("purpose == 'nightly' and fabric == 'ib'")
    assert set(again["series_id"]) == set(first["series_id"])


def test_every_file_is_written_and_tells_the_same_night(red: Workplace) -> None:
    assert ET.parse(red.path / "j.xml").getroot().attrib["failures"] == "1"
    assert 'outcome="regression"} 1.0' in (red.path / "m.prom").read_text()
    assert (red.path / "m.prom").stat().st_mode & 0o444 == 0o444, "another user's collector reads it"
    assert json.loads((red.path / "w.json").read_text())["is_red"] is True
    page = (red.path / "h.html").read_text()
    assert page.count("<figure") == SERIES
    assert "SIMULATED" in page
    assert (red.path / "summary.md").read_text().startswith("### commbench: night 2026-01-25 of lab: RED")
    assert not list(red.path.glob(".*unfinished"))


def test_a_second_call_measures_nothing_and_says_the_same(found: Workplace) -> None:
    before, written = runs(found), events(found)
    done = night(found, FIRST_BAD, LOSS)
    assert done.returncode == 1
    assert "measured already" in done.stderr
    assert done.stdout == (found.path / "said.txt").read_text()
    pd.testing.assert_frame_equal(runs(found), before)
    pd.testing.assert_frame_equal(events(found), written)


def test_regress_says_of_the_stored_night_what_nightly_said(found: Workplace) -> None:
    before = runs(found)
    done = found.run("regress")
    assert (done.returncode, done.stdout) == (1, (found.path / "said.txt").read_text())
    assert found.run("regress", "--night", label(FIRST_BAD - 1)).returncode == 0
    assert found.run("regress", "--night", label(5)).returncode == 3
    pd.testing.assert_frame_equal(runs(found), before)


def test_an_accepted_level_is_green_and_who_accepted_it_is_written_down(found: Workplace) -> None:
    done = found.run("accept", incident_id(found)[:6], "--why", "the new firmware costs that", "--author", "ada")
    assert done.returncode == 0, done.stderr
    row = events(found).iloc[-1]
    assert (row["event"], row["author"], row["why"]) == ("accepted", "ada", "the new firmware costs that")
    assert len(row["series_ids"]) == SERIES / 2
    assert found.run("regress").returncode == 0
    assert "was accepted by ada" in found.run("accept", incident_id(found), "--why", "twice").stderr
    assert night(found, FIRST_BAD + 1, LOSS).returncode == 0


def test_muted_series_are_shown_and_are_no_reason_for_red(found: Workplace) -> None:
    bad = sorted(set(found.rows().query("fabric == 'ib'")["series_id"]))
    for series_id in bad:
        assert found.run("mute", series_id, "--until", "2099-01-01", "--why", "cable on order").returncode == 0
    done = found.run("regress")
    assert done.returncode == 0
    assert "muted" in done.stdout
    assert found.run("mute", bad[0], "--off", "--why", "it came").returncode == 0
    assert found.run("regress").returncode == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("accept", "zz", "--why", "x"), "no incident 'zz'"),
        (("accept", "ID", "--why", " "), "--why is empty"),
        (("accept", "ID"), "--why"),
        (("mute", "0" * 16, "--until", "2099-01-01", "--why", "x"), "no series"),
        (("mute", "SERIES", "--until", "2020-01-01", "--why", "x"), "is over"),
        (("mute", "SERIES", "--until", "soon", "--why", "x"), "write a date such as"),
        (("mute", "SERIES", "--why", "x"), "--until"),
        (("regress", "--night", "yesterday"), "a night is called by its date"),
        (("regress", "--cluster", "lap"), "did you mean 'lab'"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_decided_is_one_message_and_writes_nothing(
    red: Workplace, arguments: tuple[str, ...], words: str
) -> None:
    before = events(red)
    known = {"ID": incident_id(red), "SERIES": str(red.rows()["series_id"].iloc[0])}
    done = red.run(*(known.get(word, word) for word in arguments))
    assert done.returncode == 2
    assert words in done.stderr
    pd.testing.assert_frame_equal(events(red), before)


def test_a_night_whose_runs_all_broke_is_4_and_names_them(quiet: Workplace) -> None:
    store = Store.open(quiet.store, create=False)
    last = store.runs().iloc[-1].to_dict()
    at = datetime.now(UTC)
    row = {name: last[name] for name in ("suite", "purpose", "cluster", "backend", "env_id", "environment_json")}
    row |= {"run_id": "broken", "session": 0, "started_at": at, "ended_at": at, "exit_state": "failed"}
    store.append_rows("runs", [row | {"reason": "rank 3 died"}], "broken", int(at.timestamp()) * 10**9)
    give(store, "broken", label(FIRST_BAD + 1), "lab")
    done = quiet.run("regress")
    assert done.returncode == 4
    assert "rank 3 died" in done.stdout
    assert "nights without a run: 2026-01-25" in done.stdout


def test_a_wrong_result_is_red_by_itself(quiet: Workplace) -> None:
    write_suite(quiet.path, FIRST_BAD)
    suite = quiet.path / "night.toml"
    suite.write_text(suite.read_text() + "wrong_every = 4\n")
    done = quiet.run("nightly", "./night.toml", "--night", label(FIRST_BAD))
    assert done.returncode == 1
    assert "wrong result" in done.stdout


def test_a_store_without_nights_says_how_to_make_one(measured: Workplace) -> None:
    done = measured.run("regress")
    assert done.returncode == 2
    assert "commbench nightly SUITE" in done.stderr


def test_a_file_that_cannot_be_written_is_3_after_the_verdict_was_printed(red: Workplace) -> None:
    done = red.run("regress", "--json", "nowhere/v.json")
    assert done.returncode == 3
    assert "RED" in done.stdout
    assert "cannot write nowhere/v.json" in done.stderr
