"""`commbench report --compare` and `choose` as a user runs them: what they write, and what they refuse."""

import os
from pathlib import Path

import pytest

from commbench.cli.main import main
from commbench.errors import ExitCode

SUITE = """\
[suite]
name = "two"
[sweep]
collectives = ["all_reduce"]
sizes = ["4KiB", "1MiB"]
ranks = [2]
backend = "simulated"
fabrics = ["infiniband", "roce"]
[measure]
launches = 7
iterations = 10
[fabrics.roce]
kind = "roce"
time_factor = 1.3
"""


def commbench(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        main([*arguments])
    return int(stopped.value.code or 0)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("measured")
    (folder / "two.toml").write_text(SUITE)
    assert commbench("run", str(folder / "two.toml"), "--store", str(folder / "results")) == ExitCode.OK
    return str(folder / "results")


@pytest.fixture(autouse=True)
def _workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_page_is_of_the_sides_that_were_named_in_their_order(store: str) -> None:
    assert commbench("report", "--compare", "roce", "infiniband", "--store", store, "-o", "page.html") == ExitCode.OK
    assert "<h1>roce against infiniband</h1>" in Path("page.html").read_text()


def test_png_is_made_of_every_chart_by_the_converter(
    store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "rsvg-convert").write_text('#!/bin/sh\nfor last; do :; done\necho "of $last" > "$6"\n')
    (tools / "rsvg-convert").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=os.pathsep)
    assert commbench("report", "--compare", "--store", store, "--plots", "charts", "--png") == ExitCode.OK
    made = {path.stem: path.read_text() for path in Path("charts").glob("*.png")}
    assert made == {path.stem: f"of {path}\n" for path in Path("charts").glob("*.svg")}
    ranks = {"0-all_reduce-last-a-infiniband", "0-all_reduce-last-b-roce"}
    assert made.keys() == {
        *(f"0-all_reduce-{what}" for what in ("busbw", "p50", "worst", "ecdf-4096", "ecdf-1048576")),
        *ranks,
    }
    assert len(made) == Path("report.html").read_text().count("<svg"), "every chart of the page is a file"


def test_without_a_converter_nothing_is_written_and_it_is_named(
    store: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert commbench("report", "--compare", "--store", store, "--plots", "charts", "--png") == ExitCode.UNFIT
    assert "apt-get install librsvg2-bin" in capsys.readouterr().err
    assert not Path("charts").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["report", "--prices", "p.toml"], "belong to --compare"),
        (["report", "--a", "fabric=ib"], "belong to --compare"),
        (["report", "--margin", "1%"], "belong to --compare"),
        (["report", "--compare", "--margin", "fast"], "write a percentage such as 3%"),
        (["report", "--compare", "--metric", "p42"], "there are p50, p99, worst, mean, busbw"),
        (["report", "--compare", "--a", "fabric=ib"], "write both --a and --b"),
        (["choose", "--a", "fabric=ib"], "write both --a and --b"),
        (["report", "--compare", "--png"], "give both"),
        (["report", "--compare", "--kernel", "latest"], "give one of them"),
        (["report", "--compare", "ib", "nothing"], "nothing in the store is nothing"),
        (["choose", "--prices", "p.toml"], "p.toml: cannot be read"),
        (["choose", "--workload", "w.toml"], "w.toml: cannot be read"),
    ],
)
def test_what_is_asked_wrongly_is_exit_2_and_one_message(
    arguments: list[str], said: str, store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert commbench(*arguments, "--store", store) == ExitCode.USAGE
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.err.count("\n") == 1
    assert not Path("report.html").exists()


def test_choose_says_what_is_not_known_and_names_both_fabrics(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert commbench("choose", "--store", store, "--workload", "examples") == ExitCode.OK
    said = capsys.readouterr().out
    assert "SIMULATED: not a measurement" in said
    assert "example: data parallel" in said
    assert "all_reduce of 25 MiB was not measured, only 4 KiB to 1 MiB" in said
    assert "break-even: not known, prices not given" in said


PRICES = """\
currency = "EUR"
[fabrics.{a}]
capex = 4000
[fabrics.{b}]
capex = 1000
"""


@pytest.mark.parametrize("typed", [("ib", "roce"), ("infiniband", "roce"), ("IB", "RoCE")])
@pytest.mark.parametrize("priced", [("infiniband", "roce"), ("ib", "ROCE")])
def test_a_fabric_is_priced_by_any_of_its_names(
    typed: tuple[str, str], priced: tuple[str, str], store: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("prices.toml").write_text(PRICES.format(a=priced[0], b=priced[1]))
    assert commbench("choose", *typed, "--prices", "prices.toml", "--store", store) == ExitCode.OK
    said = capsys.readouterr().out
    assert "4,000 EUR" in said
    assert "1,000 EUR" in said
    assert "not given" not in said.replace("workload not given", "").replace("years not given", "")
    assert "# infiniband does not pay: it pays from a gain of 300 % on" in said


def test_a_suites_own_names_are_neither_aliases_nor_mistakes(capsys: pytest.CaptureFixture[str]) -> None:
    suite = SUITE.replace('["infiniband", "roce"]', '["ib", "roce2"]').replace("[fabrics.roce]", "[fabrics.roce2]")
    Path("own.toml").write_text(suite + '[fabrics.ib]\nkind = "infiniband"\n')
    Path("prices.toml").write_text(PRICES.format(a="ib", b="roce2"))
    assert commbench("run", "./own.toml") == ExitCode.OK
    capsys.readouterr()
    for names in ([], ["ib", "roce2"]):
        assert commbench("choose", *names, "--prices", "prices.toml") == ExitCode.OK
        assert "# ib does not pay: it pays from a gain of 300 % on" in capsys.readouterr().out


def test_any_two_selections_have_a_page_and_a_table(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    sides = ("--a", "fabric=roce size_bytes=4KiB", "--b", "fabric=ib size_bytes=4KiB", "--store", store)
    assert commbench("report", "--compare", *sides, "-o", "page.html") == ExitCode.OK
    page = Path("page.html").read_text()
    assert "<h1>roce against infiniband</h1>" in page
    assert "4 KiB" in page
    assert "1 MiB" not in page
    Path("prices.toml").write_text(PRICES.format(a="ib", b="roce"))
    capsys.readouterr()
    assert commbench("choose", *sides, "--prices", "prices.toml", "--format", "csv") == ExitCode.OK
    said = capsys.readouterr().out
    assert "busbw, all_reduce 4 KiB, 2 ranks" in said
    assert '"fabric, of the purchase",EUR,infiniband,4000.0' in said


def test_a_page_holds_the_metrics_and_the_margin_that_were_asked_for(store: str) -> None:
    asked = ("--metric", "busbw", "--margin", "40%", "--workload", "examples")
    assert commbench("report", "--compare", *asked, "--store", store, "-o", "page.html") == ExitCode.OK
    page = Path("page.html").read_text()
    assert "Of 2 cells by busbw: equivalent within 40 % in 2." in page
    assert "margin 40 %" in page
    assert "All 2 numbers" in page
    assert "<td>p50, all_reduce 4 KiB, 2 ranks</td>" in page, "the table at a glance is whole, whatever is compared"


def test_a_suites_own_margin_counts_wherever_its_fabrics_are_compared_and_none_is_given(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("two.toml").write_text(SUITE.replace("[measure]", '[measure]\ndecide = "1%"'))
    assert commbench("run", "./two.toml") == ExitCode.OK
    printed = capsys.readouterr().out
    assert "; margin 1 %, " in printed
    assert commbench("compare", "--by", "fabric") == ExitCode.OK
    assert capsys.readouterr().out == printed
    assert commbench("report", "--compare", "-o", "page.html") == ExitCode.OK
    assert "; margin 1 %, " in Path("page.html").read_text()
    assert commbench("report", "--compare", "--margin", "2%", "-o", "page.html") == ExitCode.OK
    assert "; margin 2 %, " in Path("page.html").read_text()
    capsys.readouterr()
    assert commbench("compare", "--a", "fabric=ib", "--b", "fabric=roce", "--margin", "3%") == ExitCode.OK
    assert "; margin 3 %, " in capsys.readouterr().out


def test_runs_whose_suites_decide_otherwise_have_the_usual_margin(capsys: pytest.CaptureFixture[str]) -> None:
    for decide in ('[measure]\ndecide = "1%"', "[measure]"):
        Path("two.toml").write_text(SUITE.replace("[measure]", decide))
        assert commbench("run", "./two.toml") == ExitCode.OK
    capsys.readouterr()
    assert commbench("compare", "ib", "roce", "--by", "fabric") == ExitCode.OK
    assert "; margin 3 %, " in capsys.readouterr().out


def test_sides_of_different_ranks_are_each_told_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    Path("two.toml").write_text(SUITE.replace("ranks = [2]", "ranks = [2, 4]"))
    Path("step.toml").write_text(
        'name = "w"\ncompute_ms = 1.0\nmessages = [{ collective = "all_reduce", size = "1MiB", calls = 10 }]\n'
    )
    assert commbench("run", "./two.toml") == ExitCode.OK
    capsys.readouterr()
    sides = ("--a", "fabric=ib world_size=2", "--b", "fabric=ib world_size=4")
    assert commbench("choose", *sides, "--workload", "step.toml") == ExitCode.OK
    said = capsys.readouterr().out
    assert "p50, all_reduce 4 KiB  " in said, "neither number of ranks is both sides'"
    assert "was not measured" not in said
