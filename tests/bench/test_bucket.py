"""The fused bucket beside its peers: `make bench` prints the table and adds it to the store.

On a GPU that is the kernel at every workload; without one the CPU path at small sizes, which shows that the harness
works and nothing else.
"""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from commbench.errors import ExitCode

pytestmark = pytest.mark.timeout(1800)

STORE = os.environ.get("COMMBENCH_STORE", "results/bench")
# torch.compile of 70 tensors takes a minute of a CPU for each work; it is measured where there is a GPU.
NOT_ON_CPU = "torch_compile"


def kernel_command() -> list[str]:
    import torch

    from commbench.bucketing.bench.run import all_competitors

    options = ["--store", STORE, "--purpose", "bench"]
    if not torch.cuda.is_available():
        names = [each.name for each in all_competitors() if each.name != NOT_ON_CPU]
        options += ["--rounds", "3", "--iterations", "4", "--competitors", ",".join(names)]
    return [sys.executable, "-m", "commbench", "kernel", *options]


def test_every_competitor_that_was_timed_was_right(
    benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    if benchmark.disabled:
        pytest.skip("a benchmark: make bench")
    command = kernel_command()
    run = lambda: subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: E731 - once, timed
    done = benchmark.pedantic(run, rounds=1, iterations=1)  # type: ignore[no-untyped-call]
    with capsys.disabled():
        print(f"\n\n{done.stdout}{done.stderr}")
    assert done.returncode == ExitCode.OK
    rows = newest_run(Path(STORE))
    assert (rows.loc[rows["competitor"] == "commbench", "status"] == "ok").all()
    timed = rows[rows["device_time_cold_us"].notna()]
    assert (timed["wrong_count"] == 0).all()
    assert (timed["time_ratio"] > 0).all()


def newest_run(store: Path) -> pd.DataFrame:
    rows = pd.read_parquet(store / "kernel")
    newest = rows.sort_values("started_at")["run_id"].iloc[-1]
    found: pd.DataFrame = rows.loc[rows["run_id"] == newest]
    return found
