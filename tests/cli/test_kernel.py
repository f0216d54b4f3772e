"""`commbench kernel` and its views, as a user runs them, on the CPU at a small size."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from commbench.errors import ExitCode

from .command import Workplace, environment

SMALL = (
    "kernel",
    "--device",
    "cpu",
    "--workloads",
    "small",
    "--rounds",
    "1",
    "--iterations",
    "2",
    "--cold-size",
    "1MiB",
)
PEERS = "torch_copy,torch_cat,torch_foreach_copy,apex_multi_tensor_scale"


@pytest.fixture(scope="module")
def benched(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    place = Workplace(tmp_path_factory.mktemp("kernel"))
    done = place.run(*SMALL, "--competitors", PEERS)
    assert done.returncode == ExitCode.OK, done.stderr
    (place.path / "printed.txt").write_text(done.stdout)
    return place


def test_every_case_is_stored_and_those_of_the_cpu_say_so(benched: Workplace) -> None:
    rows = pd.read_parquet(benched.store / "kernel")
    assert set(rows["competitor"]) == {"commbench", *PEERS.split(",")}
    ours = rows[rows["competitor"] == "commbench"]
    assert (ours["status"] == "ok").all()
    assert (ours["wrong_count"] == 0).all()
    assert (rows.loc[rows["competitor"] == "apex_multi_tensor_scale", "status"] == "skipped").all()
    timed = rows[rows["status"] == "ok"]
    assert timed["device_time_cold_us"].notna().all()
    assert timed["device_time_graph_us"].isna().all()
    assert timed["copy_gb_s"].nunique() == 1
    assert rows["extra_json"].str.contains('"device": "cpu"').all()


def test_the_table_is_printed_and_shown_again_and_claims_nothing_of_a_gpu(benched: Workplace) -> None:
    printed = (benched.path / "printed.txt").read_text()
    assert "NO GPU" in printed
    assert "small: pack float32 to bfloat16, scaled" in printed
    targets = printed.partition("# targets")[2].splitlines()[1:]
    assert len(targets) > 10
    assert all(line.endswith("not measured") for line in targets)
    assert benched.run("show", "--kernel").stdout == printed
    assert benched.run("show", "--kernel", "no-such-run").returncode == ExitCode.USAGE


def test_the_report_has_a_roofline_of_it(benched: Workplace) -> None:
    done = benched.run("report", "--kernel", "latest", "-o", "kernel.html")
    assert done.returncode == ExitCode.OK, done.stderr
    text = (benched.path / "kernel.html").read_text()
    assert 'id="kernel-roofline"' in text
    assert "best plain copy" in text
    assert "NO GPU" in text
    assert benched.run("report", "latest", "--kernel", "latest").returncode == ExitCode.USAGE


def test_a_sweeps_report_has_the_section_too(benched: Workplace) -> None:
    suite = '[suite]\nname = "s"\n[sweep]\ncollectives = ["all_reduce"]\nsizes = ["1KiB"]\nbackend = "simulated"\n'
    benched.write("s.toml", suite + "ranks = [2]\n[measure]\niterations = 5\n")
    assert benched.run("run", "s.toml").returncode == ExitCode.OK
    assert benched.run("report").returncode == ExitCode.OK
    text = (benched.path / "report.html").read_text()
    assert 'id="kernel-roofline"' in text
    assert "Summary" in text


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--workloads", "gpt9"), ExitCode.USAGE, "no workload 'gpt9'"),
        (("--cold-size", "much"), ExitCode.USAGE, "'much' is not a size"),
        (("--device", "cuda"), ExitCode.UNFIT, "no CUDA GPU"),
    ],
)
def test_bad_input_has_one_message_and_measures_nothing(
    tmp_path: Path, options: tuple[str, ...], code: ExitCode, words: str
) -> None:
    place = Workplace(tmp_path)
    done = place.run("kernel", *options, CUDA_VISIBLE_DEVICES="")
    assert done.returncode == code
    assert words in done.stderr
    assert not (place.store / "kernel").exists()


SPOILED = """\
import sys
from commbench.bucketing.reference import ReferenceBucket
pack = ReferenceBucket.pack
def spoiled(self, tensors, scale=None, *, stats=False):
    pack(self, tensors, scale, stats=stats)
    self.buffer[0] += 1
ReferenceBucket.pack = spoiled
from commbench.cli.main import main
main(sys.argv[1:])
"""


def test_a_bucket_of_ours_that_is_wrong_is_a_gate_that_says_no(tmp_path: Path) -> None:
    place = Workplace(tmp_path)
    place.write("spoiled.py", SPOILED)
    command = [sys.executable, "spoiled.py", *SMALL, "--competitors", "torch_cat"]
    variables = environment(PYTHONPATH=str(Path(__file__).parents[2]))
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=variables)
    assert done.returncode == ExitCode.GATE, done.stderr
    rows = pd.read_parquet(place.store / "kernel")
    spoiled = rows[(rows["competitor"] == "commbench") & (rows["direction"] == "pack")]
    assert (spoiled["status"] == "wrong_result").all()
    assert spoiled["device_time_cold_us"].isna().all()
    assert (spoiled["wrong_index"] == 0).all()
    assert "wrong_result: " in done.stdout


LONG = ("kernel", "--device", "cpu", "--workloads", "small", "--competitors", "torch_cat", "--cold-size", "1MiB")


def test_when_the_time_is_up_what_was_measured_is_stored_and_the_rest_is_counted(tmp_path: Path) -> None:
    place = Workplace(tmp_path)
    done = place.run(*LONG, "--rounds", "10", "--time-limit", "1")
    assert done.returncode == ExitCode.OK, done.stderr
    left = re.search(r"(\d+) of (\d+) works were not measured: the time was up", done.stderr)
    assert left is not None
    rows = pd.read_parquet(place.store / "kernel")
    works = rows[["workload", "direction", "tensor_dtype", "bucket_dtype", "is_scaled"]].drop_duplicates()
    assert 0 < len(works) <= int(left[2]) - int(left[1])


def test_ctrl_c_stores_what_was_measured(tmp_path: Path) -> None:
    place = Workplace(tmp_path)
    with place.start(*LONG, "--rounds", "10") as process:
        assert process.stderr is not None
        assert "timed" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=90)
    assert process.returncode == ExitCode.INTERRUPTED, said
    assert "works were not measured: interrupted" in said
    assert "Traceback" not in said
    assert not pd.read_parquet(place.store / "kernel").empty
