"""`commbench import`: what gets into the store, what is said, and what stays out."""

import json
import os
import re
from pathlib import Path

import pandas as pd
import pytest

from commbench.cli.main import main
from commbench.importers import read
from commbench.model.point import Point
from commbench.store import identity
from commbench.store.store import Store

from .nccl_tests_text import NOISE, OLD, Half, Log, Row, simple_row, text
from .test_nccl_tests_json import SECRET, document

FIXTURES = Path(__file__).parents[2] / "fixtures" / "importers"
CHANGED_AT = 1_772_323_200  # 2026-03-01 00:00:00 UTC


@pytest.fixture(autouse=True)
def _workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def commbench(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        main([*arguments, "--store", "results"])
    return int(stopped.value.code or 0)


def write(name: str, content: str) -> str:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    os.utime(path, (CHANGED_AT, CHANGED_AT))
    return name


def nccl_log(name: str = "run.log", **changes: object) -> str:
    rows = [simple_row(1024), simple_row(2048)]
    return write(name, text(Log(rows, **changes).lines()))  # type: ignore[arg-type]


def points() -> pd.DataFrame:
    return Store.open("results", create=False).points()


def runs() -> pd.DataFrame:
    return Store.open("results", create=False).runs()


def test_imported_rows_say_where_they_come_from_and_nothing_more_than_the_file_does() -> None:
    assert commbench("import", nccl_log(), "--cluster", "lab") == 0
    found = points()
    assert len(found) == 4
    row = found.iloc[0]
    assert (row["source"], row["purpose"], row["cluster"], row["status"]) == ("nccl-tests", "imported", "lab", "ok")
    assert len(row["source_digest"]) == 32
    assert row["elapsed_mean_us"] == row["printed_time_us"] == 12.5
    assert row["busbw_mean_gb_s"] == pytest.approx(1024 / 12.5e-6 / 1e9)  # two ranks: factor 1
    assert (row["time_digits"], bool(row["converged"]), bool(row["is_simulated"])) == (4, False, False)
    assert (row["fabric"], row["fabric_verdict"]) == ("unknown", "unknown")
    claims = [
        name for name in found if re.match(r"latency_|time_(p\d|m|std)|makespan_|skew_|(alg|bus)bw_gb_s", str(name))
    ]
    assert len(claims) > 20
    assert found[claims].isna().all().all()


def test_a_second_import_changes_nothing_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    name = nccl_log()
    assert commbench("import", name) == 0
    os.utime(name, (CHANGED_AT + 86400 * 60,) * 2)  # in another month
    assert commbench("import", name) == 0
    assert "was there already: import-" in capsys.readouterr().out
    assert (len(points()), len(runs())) == (4, 1)


def test_a_copy_behind_another_launcher_is_the_same_run() -> None:
    log = Log([simple_row()])
    assert commbench("import", write("a.log", text(log.lines())), write("b.log", text(log.lines(), "0: "))) == 0
    assert len(runs()) == 1


def test_a_log_that_went_on_is_another_run_beside_the_first() -> None:
    whole = Log([simple_row(), simple_row(2048)])
    assert commbench("import", write("a.log", text(Log([simple_row()], footer=None).lines()))) == 0
    assert commbench("import", write("a.log", text(whole.lines()))) == 0
    assert sorted(runs()["exit_state"]) == ["complete", "killed"]


def test_the_file_s_time_stands_in_where_the_log_has_none_and_that_is_said() -> None:
    commbench("import", nccl_log(), write("run.json", json.dumps(document())))
    found = runs()
    told = [json.loads(each)["import"]["started_at_from"] for each in found["environment_json"]]
    assert list(zip(found["started_at"].dt.strftime("%Y-%m-%d %H:%M"), told, strict=True)) == [
        ("2026-03-01 00:00", "the file's time of change"),
        ("2026-07-09 10:11", "the log, taken as UTC"),
    ]


def test_a_series_of_another_tool_is_never_one_of_ours() -> None:
    commbench("import", nccl_log(), str(FIXTURES / "osu.txt"), str(FIXTURES / "param.txt"), "--cluster", "lab")
    found = points()
    assert set(found["source"]) == {"nccl-tests", "osu", "param"}
    for _, row in found.iterrows():
        same = {name: row[name] for name in identity.SERIES_FIELDS if name != "nodes"}
        nodes = 0 if pd.isna(row["nodes"]) else int(row["nodes"])
        ours = Point(
            point_id=0, requested_bytes=0, count=0, memory_bytes=0, estimate_s=0.0, nodes=nodes,
            **{name: value.item() if hasattr(value, "item") else value for name, value in same.items()},
        )  # fmt: skip
        assert row["series_id"] != identity.series_id(ours, "lab")


def test_rows_of_the_same_size_are_all_kept_and_shown_by_themselves(capsys: pytest.CaptureFixture[str]) -> None:
    half = Half(1.5, 0.0, 0.0, 0)
    zero = Row(0, 0, "float", "sum", -1, half, half)
    log = Log([zero, zero, zero], parameters="")
    assert commbench("import", write("zero.log", text(log.lines()))) == 0
    assert len(points()) == 6
    capsys.readouterr()
    assert commbench("show") == 0
    assert capsys.readouterr().out.count("  float32   sum") == 6


@pytest.mark.parametrize("arguments", [["show"], ["show", "--tail"], ["report", "-o", "-"], ["list"], ["export"]])
def test_every_view_labels_imported_rows(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    commbench("import", nccl_log())
    commbench("import", nccl_log("hung.log", footer=None, ranks=3))
    capsys.readouterr()
    assert commbench(*arguments) == 0
    out = capsys.readouterr()
    assert "nccl-tests" in out.out
    assert "not converged" not in out.out.split("<script")[0]
    assert "launches" not in out.err  # how another tool measured is not ours to advise on


def test_rows_without_hosts_and_times_are_shown_too(capsys: pytest.CaptureFixture[str]) -> None:
    """PARAM's rows have no time of ours, OSU's no number of hosts."""
    assert commbench("import", str(FIXTURES / "osu.txt"), str(FIXTURES / "param.txt"), nccl_log()) == 0
    runs_of = list(runs()["run_id"])
    for run_id in runs_of:
        assert commbench("show", run_id) == 0
    out = capsys.readouterr().out
    assert "534.0" in out
    assert "98.70" in out
    assert commbench("report", *runs_of, "-o", "all.html") == 0
    assert "IMPORTED from nccl-tests, osu, param" in Path("all.html").read_text()


def test_what_cannot_be_read_is_named_and_the_rest_comes_in(capsys: pytest.CaptureFixture[str]) -> None:
    nccl_log("logs/good.log")
    write("logs/deeper/other.log", "nothing of interest\n")
    write("logs/.hidden/x.log", "no\n")
    assert commbench("import", "logs", "missing.log") == 2
    said = capsys.readouterr()
    assert len(runs()) == 1
    assert "commbench: logs/deeper/other.log: there is no result in it; looked for nccl-tests' JSON" in said.err
    assert "commbench: missing.log: there is no such file" in said.err
    assert "hidden" not in said.err


def test_an_empty_folder_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    Path("logs").mkdir()
    assert commbench("import", "logs") == 2
    assert "there are no files below logs" in capsys.readouterr().err


def test_a_file_beyond_the_limit_is_refused_before_it_is_parsed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(read, "MAX_FILE_BYTES", 2**20)
    assert commbench("import", write("big.log", "x" * (2**20 + 1))) == 2
    assert "it is larger than 1 MiB" in capsys.readouterr().err


def test_numbers_that_fit_no_column_are_one_clear_message(capsys: pytest.CaptureFixture[str]) -> None:
    huge = text(Log([simple_row()]).lines()).replace(" 20 ", f" {10**30} ").replace("iters: 20", f"iters: {10**30}")
    assert commbench("import", write("huge.log", huge)) == 2
    assert "huge.log: a number in it does not fit" in capsys.readouterr().err
    assert not Path("results/runs").exists()


def test_secrets_and_markup_in_a_log_reach_no_page(capsys: pytest.CaptureFixture[str]) -> None:
    failure = "<script>alert(1)</script> Test NCCL failure \x1b]0;title\x07 https://user:hunter2@host/x"
    lines = [line.replace("node-0", "<b>evil</b>") for line in Log([simple_row()], footer=None).lines()]
    assert commbench("import", write("x.log", text([*lines, failure])), write("run.json", json.dumps(document()))) == 0
    for run_id in runs()["run_id"]:
        assert commbench("report", run_id, "-o", "page.html") == 0
        page = Path("page.html").read_text()
        assert "<script>alert(1)" not in page
        assert "<b>evil" not in page
        assert "hunter2" not in page
        assert SECRET.split("=")[1] not in page
    said = capsys.readouterr().out
    assert "hunter2" not in said
    assert "\x1b" not in said
    stored = repr(runs().to_dict()) + repr(points().to_dict())
    assert "hunter2" not in stored
    assert SECRET.split("=")[1] not in stored


def test_a_debug_log_among_the_rows_proves_their_fabric() -> None:
    device = "node-0:4711:4712 [0] NCCL INFO NET/IB : Using [0]mlx5_0:1/RoCE [RO]; OOB eth0:10.0.0.1<0>"
    lines = Log([simple_row()], era=OLD).lines(f"\n{NOISE}\n")
    assert commbench("import", write("x.log", text([device.replace("node-0", "node-1"), *lines]))) == 0
    row = points().iloc[0]
    assert (row["fabric"], row["fabric_verdict"]) == ("roce", "planned")
    assert json.loads(runs()["evidence_json"][0])["nccl_log"]["planned_fabrics"] == ["roce"]


def test_a_debug_log_attaches_to_the_run_that_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    commbench("import", nccl_log())
    (run_id,) = runs()["run_id"]
    debug = write("nccl.log", f"node-1:1:2 [0] NCCL INFO NET/IB : Using [0]mlx5_0:1/IB\n{NOISE}\n")
    assert commbench("import", debug, "--run", "latest") == 0
    assert commbench("import", nccl_log(), "--run", run_id) == 2
    assert "--run takes NCCL's debug logs" in capsys.readouterr().err
    evidence = runs().query("source == 'nccl-log'").iloc[0]
    assert json.loads(evidence["evidence_json"])["of_run"] == run_id
    assert f"evidence for {run_id}: fabric infiniband, planned" in evidence["reason"]


def test_an_unknown_collective_is_refused_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert commbench("import", nccl_log(), "--collective", "alreduce") == 2
    assert "no collective 'alreduce'" in capsys.readouterr().err
