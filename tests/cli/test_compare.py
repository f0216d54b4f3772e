"""`commbench compare` as a user runs it, on simulated fabrics whose ratio is known, and on imported logs."""

import json
import os
from pathlib import Path

import pytest

from commbench.cli.main import main
from commbench.errors import ExitCode
from tests.unit.importers.nccl_tests_text import Log, simple_row, text

SUITE = """\
[suite]
name = "two"
seed = {seed}
[sweep]
collectives = ["all_reduce"]
sizes = ["4KiB..16MiB x64"]
ranks = [2]
backend = "simulated"
fabrics = ["infiniband", "roce"]
[measure]
iterations = 20
launches = {blocks}
[fabrics.roce]
kind = "roce"
time_factor = {factor}
[simulated]
noise_sigma = 0.02
launch_sigma = 0.01
"""


def commbench(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stopped:
        main([*arguments])
    return int(stopped.value.code or 0)


def measure(seed: int = 1, blocks: int = 12, factor: float = 1.1) -> None:
    Path("two.toml").write_text(SUITE.format(seed=seed, blocks=blocks, factor=factor))
    assert commbench("run", "./two.toml") == ExitCode.OK


def verdicts(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    capsys.readouterr()
    assert commbench("compare", "--format", "json", "--metric", "p50", *arguments) == ExitCode.OK
    return [row["verdict"] for row in json.loads(capsys.readouterr().out)["findings"]]


@pytest.fixture(autouse=True)
def _workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("COMMBENCH_", "SLURM_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store with a run of two fabrics, the second of which takes 10 % longer; only to be read."""
    return store_of(tmp_path_factory.mktemp("measured"), blocks=12, factor=1.1)


def store_of(folder: Path, blocks: int, factor: float) -> str:
    (folder / "two.toml").write_text(SUITE.format(seed=1, blocks=blocks, factor=factor))
    assert commbench("run", str(folder / "two.toml"), "--store", str(folder / "results")) == ExitCode.OK
    return str(folder / "results")


def test_a_run_of_two_fabrics_is_compared_and_the_faster_named(
    measured: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert commbench("compare", "--by", "fabric", "--metric", "p50,busbw", "--store", measured) == ExitCode.OK
    said = capsys.readouterr().out
    assert said.startswith("# infiniband against roce: 12 pairs of launches, side by side in blocks; margin 3 %")
    assert "SIMULATED: not a measurement" in said
    assert said.count("infiniband faster by") == 6
    store = ("--store", measured)
    assert verdicts(capsys, "--a", "fabric=ib", "--b", "fabric=roce", *store) == ["a_faster"] * 3
    assert verdicts(capsys, "roce", "ib", "--by", "fabric", "--where", "run=latest size_bytes=4KiB", *store) == [
        "b_faster"
    ]


def test_the_same_fabric_twice_has_no_winner(capsys: pytest.CaptureFixture[str]) -> None:
    measure(factor=1.0)
    found = verdicts(capsys, "--by", "fabric")
    assert len(found) == 3
    assert set(found) <= {"equivalent", "undecided"}


def test_two_runs_are_compared_by_their_names_and_their_other_fabrics_kept_apart(
    capsys: pytest.CaptureFixture[str],
) -> None:
    measure(seed=1, blocks=2)
    measure(seed=2, blocks=2)
    first, second = sorted({path.name[:22] for path in Path("results/points").rglob("*.parquet")})
    capsys.readouterr()
    assert commbench("compare", first, second, "--metric", "p50", "--format", "json") == ExitCode.OK
    found = json.loads(capsys.readouterr().out)
    assert {found["a"]["name"], found["b"]["name"]} == {first, second}
    assert [row["others"] for row in found["findings"]] == ["fabric=infiniband"] * 3 + ["fabric=roce"] * 3
    assert not found["is_interleaved"]


def test_a_gate_fails_when_the_first_is_slower_beyond_the_margin_and_only_then(measured: str) -> None:
    gate = ("--by", "fabric", "--metric", "p50", "--fail-if-slower", "-o", "said.txt", "--store", measured)
    assert commbench("compare", "roce", "infiniband", *gate) == ExitCode.GATE
    assert "infiniband faster by" in Path("said.txt").read_text()
    assert commbench("compare", "infiniband", "roce", *gate) == ExitCode.OK
    assert commbench("compare", "roce", "infiniband", "--margin", "40%", *gate) == ExitCode.OK


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "compare two: commbench compare A B"),
        (["latest"], "compare two"),
        (["latest", "latest"], "both sides ask for run_id="),
        (["ib", "nothing", "--by", "fabric"], "nothing in the store is nothing"),
        (["--by", "fabrik"], "did you mean 'fabric'?"),
        (["--by", "cluster"], "where two are compared"),
        (["--a", "fabric=ib"], "write both --a and --b"),
        (["--a", "fabric", "--b", "fabric=ib"], "'fabric' selects nothing"),
        (["--a", "cadence=isolated", "--b", "cadence=streaming"], "cadence cannot be compared"),
        (["--by", "fabric", "--margin", "fast"], "write a percentage such as 3%"),
        (["--by", "fabric", "--margin", "0"], "above 0 and below 100"),
        (["--by", "fabric", "--metric", "p42"], "there are p50, p99, worst, mean, busbw"),
    ],
)
def test_what_is_asked_wrongly_is_exit_2_and_one_message(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], measured: str
) -> None:
    assert commbench("compare", *arguments, "--store", measured) == ExitCode.USAGE
    captured = capsys.readouterr()
    assert said in captured.err
    assert (captured.out, captured.err.count("\n")) == ("", 1)


SETTINGS = """\
[fabrics.infiniband.variables]
NCCL_ALGO = "Ring"
NCCL_PROTO = "LL"
[fabrics.roce.variables]
NCCL_ALGO = "Tree"
NCCL_PROTO = "LL"
MY_TOKEN = "hush"
"""


def test_what_a_suite_sets_for_one_fabric_only_is_flagged_in_every_view(capsys: pytest.CaptureFixture[str]) -> None:
    Path("two.toml").write_text(SUITE.format(seed=1, blocks=2, factor=1.0) + SETTINGS)
    assert commbench("run", "./two.toml") == ExitCode.OK
    assert commbench("report", "--compare", "-o", "page.html") == ExitCode.OK
    assert "Nothing that commbench records" not in (page := Path("page.html").read_text())
    assert "<td>NCCL_ALGO, by the suite</td>" in page
    said = "also different: NCCL_ALGO, by the suite: Ring against Tree (3 cells)"
    for fmt, words in (("table", said), ("markdown", said), ("json", '"what": "NCCL_ALGO, by the suite"')):
        capsys.readouterr()
        assert commbench("compare", "--by", "fabric", "--format", fmt) == ExitCode.OK
        shown = capsys.readouterr().out
        assert words in shown
        assert "NCCL_PROTO" not in shown, "both have the same"
        assert "kind" not in shown, "what a fabric is, is compared"
        assert "hush" not in shown


def test_runs_whose_suites_set_one_fabric_otherwise_are_flagged(capsys: pytest.CaptureFixture[str]) -> None:
    suite = SUITE.format(seed=1, blocks=2, factor=1.0)
    for changed in (suite, suite.replace("time_factor = 1.0", 'time_factor = 1.0\ninterface = "eth1"')):
        Path("two.toml").write_text(changed)
        assert commbench("run", "./two.toml") == ExitCode.OK
    names = {path.name[:22] for path in Path("results/points").rglob("*.parquet")}
    capsys.readouterr()
    assert commbench("compare", *names) == ExitCode.OK
    (said,) = [line for line in capsys.readouterr().out.splitlines() if "also different" in line]
    assert said.startswith("# also different: interface, by the suite: ")
    assert said.endswith(("none against eth1 (3 cells)", "eth1 against none (3 cells)"))


def test_imported_logs_compare_but_are_never_certain(capsys: pytest.CaptureFixture[str]) -> None:
    for name, factor in (("ib", 1.0), ("roce", 1.4)):
        rows = [simple_row(size, factor * size / 1000) for size in (2**16, 2**20)]
        Path(f"{name}.log").write_text(text(Log(rows).lines()))
        assert commbench("import", f"{name}.log", "--cluster", name) == ExitCode.OK
    capsys.readouterr()
    assert commbench("compare", "ib", "roce", "--by", "cluster") == ExitCode.OK
    said = capsys.readouterr().out
    assert "IMPORTED from nccl-tests: not measured by commbench" in said
    assert said.count("ib faster by 40 % in one sample each: no certainty") >= 4
    assert "p50" not in said
