"""Commands that only read: what they print is what is stored."""

import io
import json
import subprocess

import pandas as pd
import pytest

from commbench.errors import ExitCode

from .command import TINY, TINY_POINTS, Workplace, environment


def run_id_of(measured: Workplace) -> str:
    (run_id,) = measured.rows()["run_id"].unique()
    return str(run_id)


def ordered(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values("point_id", ignore_index=True)


def test_show_prints_every_point_and_says_that_it_was_simulated(measured: Workplace) -> None:
    done = measured.run("show")
    assert done.returncode == ExitCode.OK
    assert f"# {TINY_POINTS} points: {TINY_POINTS} ok" in done.stdout
    lines = [line for line in done.stdout.splitlines() if line and not line.startswith("#")]
    assert len(lines) == TINY_POINTS
    assert sorted(int(line.split()[0]) for line in lines) == sorted(measured.rows()["size_bytes"])
    assert "SIMULATED: not a measurement" in done.stdout


@pytest.mark.parametrize("length", [9, 17, 0], ids=["a beginning", "a long beginning", "all of it"])
def test_a_run_is_named_by_the_beginning_of_its_id(measured: Workplace, length: int) -> None:
    run_id = run_id_of(measured)
    assert measured.run("show", run_id[: length or None]).stdout == measured.run("show", "latest").stdout


@pytest.mark.parametrize("command", ["show", "export", "report"])
def test_an_unknown_run_is_exit_2_and_names_those_there_are(measured: Workplace, command: str) -> None:
    done = measured.run(command, "zzz")
    assert done.returncode == ExitCode.USAGE
    assert "no run 'zzz'" in done.stderr
    assert run_id_of(measured) in done.stderr


@pytest.mark.parametrize("command", ["show", "export", "report"])
def test_where_there_is_no_store_it_is_exit_3_and_none_is_made(workplace: Workplace, command: str) -> None:
    done = workplace.run(command)
    assert done.returncode == ExitCode.UNFIT
    assert "there is no store at results" in done.stderr
    assert list(workplace.path.iterdir()) == []


def test_csv_holds_the_rows_to_the_last_digit(measured: Workplace) -> None:
    done = measured.run("export", "--format", "csv")
    assert done.returncode == ExitCode.OK
    read = ordered(pd.read_csv(io.StringIO(done.stdout)))
    stored = ordered(measured.rows())
    for column in ("collective", "size_bytes", "world_size", "time_p50_us", "busbw_gb_s", "status"):
        assert read[column].tolist() == stored[column].tolist()


@pytest.mark.parametrize("arguments", [["export", "--format", "json"], ["show", "--json"]], ids=" ".join)
def test_json_holds_the_rows_to_the_last_digit(measured: Workplace, arguments: list[str]) -> None:
    rows = json.loads(measured.run(*arguments).stdout)
    stored = ordered(measured.rows())
    assert [row["point_id"] for row in rows] == stored["point_id"].tolist()
    assert [row["time_p99_us"] for row in rows] == stored["time_p99_us"].tolist()
    assert {row["wrong_index"] for row in rows} == {None}  # not NaN, which is no JSON


def test_markdown_is_a_table_of_all_points(measured: Workplace) -> None:
    lines = measured.run("export", "--format", "markdown").stdout.strip().splitlines()
    assert len(lines) == 2 + TINY_POINTS
    assert len({line.count("|") for line in lines}) == 1


def test_an_unknown_format_is_exit_2(measured: Workplace) -> None:
    assert measured.run("export", "--format", "xml").returncode == ExitCode.USAGE


def test_export_writes_to_a_file_what_it_would_print(measured: Workplace, workplace: Workplace) -> None:
    out = workplace.path / "rows.csv"
    done = measured.run("export", "-o", str(out))
    assert (done.returncode, done.stdout) == (ExitCode.OK, "")
    assert out.read_text() == measured.run("export").stdout


def test_a_file_that_cannot_be_written_is_exit_3(measured: Workplace) -> None:
    done = measured.run("export", "-o", "nowhere/rows.csv")
    assert done.returncode == ExitCode.UNFIT
    assert "cannot write nowhere/rows.csv: No such file or directory; choose another --output" in done.stderr


def test_a_report_is_one_page_that_names_the_run_and_fetches_nothing(measured: Workplace, workplace: Workplace) -> None:
    out = workplace.path / "page.html"
    done = measured.run("report", "-o", str(out))
    assert (done.returncode, done.stdout) == (ExitCode.OK, "")
    page = out.read_text()
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert run_id_of(measured) in page
    assert "not a measurement" in page.lower()
    assert "<script src" not in page
    assert "<link" not in page


def test_list_names_suites_collectives_and_runs(measured: Workplace) -> None:
    done = measured.run("list")
    assert done.returncode == ExitCode.OK
    for word in ("smoke", "all_to_all_v", run_id_of(measured), "complete", f"{TINY_POINTS}/{TINY_POINTS}"):
        assert word in done.stdout
    (run,) = json.loads(measured.run("list", "--json").stdout)
    assert (run["run_id"], run["exit_state"]) == (run_id_of(measured), "complete")


def test_list_without_a_store_says_how_to_begin_and_makes_none(workplace: Workplace) -> None:
    done = workplace.run("list")
    assert done.returncode == ExitCode.OK
    assert "no runs yet" in done.stdout
    assert "commbench run" in done.stdout
    assert json.loads(workplace.run("list", "--json").stdout) == []
    assert list(workplace.path.iterdir()) == []


def test_plan_lists_every_point_and_runs_nothing(workplace: Workplace) -> None:
    workplace.write("tiny.toml", TINY)
    done = workplace.run("plan", "./tiny.toml")
    assert done.returncode == ExitCode.OK
    numbered = [line.split()[0] for line in done.stdout.splitlines() if line.split() and line.split()[0].isdigit()]
    assert numbered[:TINY_POINTS] == [str(point_id) for point_id in range(TINY_POINTS)]
    plan = json.loads(workplace.run("plan", "./tiny.toml", "--json").stdout)["plan"]
    assert (len(plan["points"]), plan["world_size"]) == (TINY_POINTS, 4)
    assert not workplace.store.exists()


def test_schema_is_json(workplace: Workplace) -> None:
    done = workplace.run("schema")
    assert done.returncode == ExitCode.OK
    assert "sweep" in json.loads(done.stdout)["properties"]


@pytest.mark.parametrize("command", ["show", "export"])
def test_a_reader_that_has_seen_enough_is_no_error(measured: Workplace, command: str) -> None:
    process = subprocess.Popen(
        measured.command(command), cwd=measured.path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()  # as `head` does, long before anything is printed
    _, said = process.communicate()
    assert (process.returncode, said) == (ExitCode.OK, b"")
