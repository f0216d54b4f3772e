import json
from pathlib import Path

import pytest

from commbench import __version__
from commbench.errors import ExitCode

from .command import TINY, TINY_POINTS, Workplace


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_is_in_the_store_point_by_point_and_ends_with_the_next_command(workplace: Workplace) -> None:
    workplace.write("tiny.toml", TINY)
    done = workplace.run("run", "./tiny.toml", "--cluster", "lab")
    assert done.returncode == ExitCode.OK
    rows = workplace.rows()
    assert sorted(rows["point_id"]) == list(range(TINY_POINTS))
    (run_id,) = rows["run_id"].unique()
    assert set(rows["status"]) == {"ok"}
    assert set(rows["cluster"]) == {"lab"}
    assert rows["is_simulated"].all()
    assert rows["others_share"].isna().all()  # whoever else is on this host: simulated time does not notice
    assert "Other tenants" not in done.stderr
    assert set(rows["commbench_version"]) == {__version__}
    assert (rows["time_min_us"] <= rows["time_p50_us"]).all()
    assert done.stderr.splitlines()[-1] == f"run {run_id} is complete; look at it with: commbench show {run_id}"
    assert list((workplace.store / "_journal").iterdir()) == []


def test_calls_are_checked_under_load_however_short_the_visits_are(workplace: Workplace) -> None:
    visits = "iterations = 200\nvisit_iterations = 8\nschedule = 'interleaved'"
    workplace.write("short.toml", TINY.replace("iterations = 5", visits))
    done = workplace.run("run", "./short.toml")
    assert done.returncode == ExitCode.OK, done.stderr
    assert set(workplace.rows()["verified_calls"]) == {200 // 20}  # the default: one call in twenty


def test_a_second_run_is_added_and_nothing_of_the_first_is_touched(workplace: Workplace) -> None:
    workplace.write("tiny.toml", TINY)
    workplace.run("run", "./tiny.toml")
    before = files_of(workplace.store)
    assert workplace.run("run", "./tiny.toml").returncode == ExitCode.OK
    after = files_of(workplace.store)
    assert before.items() <= after.items()
    assert len(workplace.rows()) == 2 * TINY_POINTS
    assert workplace.rows()["run_id"].nunique() == 2


def test_the_store_is_the_one_that_the_environment_names(workplace: Workplace) -> None:
    workplace.write("tiny.toml", TINY)
    done = workplace.run("run", "./tiny.toml", COMMBENCH_STORE=str(workplace.path / "else where"))
    assert done.returncode == ExitCode.OK
    assert (workplace.path / "else where" / "points").is_dir()
    assert not workplace.store.exists()
    assert f"--store '{workplace.path}/else where'" in done.stderr  # the next command, ready to be pasted


def test_a_wrong_result_is_exit_1_and_its_row_says_where_and_what(workplace: Workplace) -> None:
    workplace.write("tiny.toml", TINY + "[simulated]\nwrong_every = 5\n")
    done = workplace.run("run", "./tiny.toml")
    assert done.returncode == ExitCode.GATE
    assert "FAILED: a collective delivered wrong data" in done.stderr
    rows = workplace.rows().set_index("point_id")
    wrong = rows[rows["status"] == "wrong_result"]
    assert list(wrong.index) == [4, 9]  # every fifth, counted from one
    assert set(rows["status"].drop(wrong.index)) == {"ok"}
    columns = ["wrong_count", "wrong_rank", "wrong_index", "wrong_expected", "wrong_got"]
    assert wrong[columns].to_numpy().tolist() == [[1, 0, 0, 1, 0]] * 2
    assert wrong["error"].str.contains("the first on rank 0 at index 0: expected 1, got 0").all()
    assert (wrong["iterations"] == 5).all()  # it was timed all the same


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("1KiB..1MiB x32", "1KiB..oops"), "bad.toml:5: sweep.sizes.0: '1KiB..oops' is not a range of sizes"),
        (("all_gather", "all_gahter"), "did you mean 'all_gather'?"),
        (("[measure]", "[measrue]"), "measrue"),
        (("iterations = 5", "iterations = "), "bad.toml:9"),
    ],
)
def test_a_bad_suite_is_exit_2_with_the_place_and_nothing_is_written(
    workplace: Workplace, change: tuple[str, str], message: str
) -> None:
    workplace.write("bad.toml", TINY.replace(*change))
    done = workplace.run("run", "./bad.toml")
    assert done.returncode == ExitCode.USAGE
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not workplace.store.exists()


def test_an_unknown_suite_is_exit_2_and_names_those_there_are(workplace: Workplace) -> None:
    done = workplace.run("run", "smokey")
    assert done.returncode == ExitCode.USAGE
    assert "no suite 'smokey'" in done.stderr
    assert "smoke" in done.stderr.replace("smokey", "")
    assert not workplace.store.exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["run", "./tiny.toml", "--ranks", "0"],
        ["run", "./tiny.toml", "--ranks", "2"],
        ["run", "--nope"],
        ["nope"],
    ],
    ids=" ".join,
)
def test_bad_options_are_exit_2_and_nothing_is_written(workplace: Workplace, arguments: list[str]) -> None:
    workplace.write("tiny.toml", TINY)
    done = workplace.run(*arguments)
    assert done.returncode == ExitCode.USAGE
    assert done.stderr
    assert not workplace.store.exists()


def test_a_store_below_a_file_is_exit_3_and_the_file_is_as_it_was(workplace: Workplace) -> None:
    workplace.write("tiny.toml", TINY)
    workplace.write("thesis.txt", "years of work")
    done = workplace.run("run", "./tiny.toml", "--store", "thesis.txt/results")
    assert done.returncode == ExitCode.UNFIT
    assert "thesis.txt is not a folder" in done.stderr
    assert (workplace.path / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    "arguments", [["run", "./tiny.toml"], ["show"], ["list"], ["export"], ["report"]], ids=" ".join
)
def test_a_store_of_a_newer_commbench_is_exit_3_and_left_alone(workplace: Workplace, arguments: list[str]) -> None:
    workplace.write("tiny.toml", TINY)
    workplace.store.mkdir()
    (workplace.store / "_format.json").write_text(json.dumps({"format": 99}))
    before = files_of(workplace.path)
    done = workplace.run(*arguments)
    assert done.returncode == ExitCode.UNFIT
    assert "written by a newer commbench (format 99" in done.stderr
    assert files_of(workplace.path) == before


def test_resume_with_nothing_to_resume_is_exit_2_and_says_what_to_do(workplace: Workplace) -> None:
    workplace.write("tiny.toml", TINY)
    workplace.run("run", "./tiny.toml")
    before = files_of(workplace.store)
    done = workplace.run("run", "./tiny.toml", "--resume")
    assert done.returncode == ExitCode.USAGE
    assert "no unfinished run of suite 'tiny' in results; start it without --resume" in done.stderr
    assert files_of(workplace.store) == before


def test_progress_is_on_stderr_and_standard_output_is_left_to_results(workplace: Workplace) -> None:
    workplace.write("tiny.toml", TINY)
    done = workplace.run("run", "./tiny.toml")
    assert done.stdout == ""
    assert done.stderr.count("all_reduce") >= TINY_POINTS // 2
    assert "SIMULATED" in done.stderr
    assert "\x1b" not in done.stderr
