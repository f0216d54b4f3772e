"""A real Slurm runs the command inside an allocation, and the batch file of the documentation."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from tests.cluster.conftest import HostsRun, pids_of_ranks, signal_rank
from tests.cluster.emulation import FAB_A, Cluster, wait_until
from tests.cluster.slurm import Slurm, missing_slurm

pytestmark = pytest.mark.ranks
BATCH_FILE = Path(__file__).parents[2] / "docs/launch/commbench.sbatch"


@pytest.fixture(scope="module")
def lab(can_emulate: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if reason := missing_slurm():
        pytest.skip(reason)
    with Cluster(tmp_path_factory.mktemp("slurm"), hosts=2) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def slurm(lab: Cluster) -> Iterator[Slurm]:
    with Slurm(lab) as slurm:
        slurm.environ["GLOO_SOCKET_IFNAME"] = FAB_A
        slurm.environ["PATH"] = f"{Path(sys.executable).parent}:{slurm.environ['PATH']}"
        yield slurm


@pytest.fixture
def run(tmp_path: Path, lab: Cluster) -> HostsRun:
    return HostsRun(tmp_path, str(lab.shell), lab.names, {})


def command(run: HostsRun, *extra: str) -> tuple[str, ...]:
    return "commbench", "run", str(run.folder / "hosts.toml"), "--store", str(run.store), *extra


def test_the_batch_file_measures_every_launch_on_all_nodes_of_its_allocation(slurm: Slurm, run: HostsRun) -> None:
    suite = run.suite(ranks="[2]", iterations=10, launches=2, limit=60, sizes='["1KiB"]')
    variables = f"--export=ALL,SUITE={suite},STORE={run.store}"
    output = f"--output={run.folder}/out"
    job = slurm.run("sbatch", "--parsable", "--nodes=2", variables, output, str(BATCH_FILE)).stdout.strip()
    wait_until(lambda: not re.search("JobState=(PENDING|CONFIGURING|RUNNING|COMPLETING)", state_of(slurm, job)), 100)
    assert " JobState=COMPLETED" in state_of(slurm, job), (run.folder / "out").read_text()
    points = run.points()
    assert list(points["status"]) == ["ok", "ok"]
    assert sorted(points["launch_index"]) == [0, 1]
    assert {tuple(hosts) for hosts in points["hosts"]} == {("cbh0", "cbh1")}
    assert list(pd.read_parquet(run.store / "runs")["launcher"]) == ["slurm-allocation"]


def test_tasks_of_srun_become_the_ranks(slurm: Slurm, run: HostsRun) -> None:
    run.suite(iterations=10, limit=60, sizes='["1KiB"]')
    done = slurm.run("srun", "--nodes=2", "--ntasks-per-node=1", *command(run), check=False)
    assert done.returncode == 0, done.stderr
    assert list(run.points()["status"]) == ["ok"]
    assert list(pd.read_parquet(run.store / "runs")["launcher"]) == ["slurm"]


def test_a_rank_killed_in_an_allocation_is_named_with_its_host(slurm: Slurm, lab: Cluster, run: HostsRun) -> None:
    run.suite(iterations=20_000, limit=60, sizes='["1KiB"]')
    process = start(slurm, lab, run)
    run.wait_for("started")
    victim = signal_rank(lab, 1, signal.SIGKILL)
    code, said = run.wait(process)
    assert code == 4, said
    assert f"rank 1 (pid {victim}, host cbh1) was killed by SIGKILL" in said


def test_a_killed_controller_leaves_no_rank_in_the_allocation(slurm: Slurm, lab: Cluster, run: HostsRun) -> None:
    run.suite(iterations=20_000, limit=60, sizes='["1KiB"]')
    process = start(slurm, lab, run)
    run.wait_for("started")
    signal_rank(lab, 1, signal.SIGSTOP)
    (controller,) = subprocess.run(
        ["pgrep", "-f", rf"python\S* \S*commbench run {run.folder}/hosts.toml"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    os.kill(int(controller), signal.SIGKILL)
    run.wait(process)
    wait_until(lambda: not pids_of_ranks(lab, 0) and not pids_of_ranks(lab, 1), limit_s=60)


def state_of(slurm: Slurm, job: str) -> str:
    return slurm.run("scontrol", "--oneliner", "show", "job", job).stdout


def start(slurm: Slurm, lab: Cluster, run: HostsRun) -> "subprocess.Popen[str]":
    allocated = slurm.login("salloc", "--nodes=2", *command(run))
    return subprocess.Popen(allocated, stderr=subprocess.PIPE, text=True, env=slurm.environ)


MPIRUN = ("mpirun", "--allow-run-as-root", "--oversubscribe", "--map-by", "node", "--bind-to", "none")


def test_ranks_of_mpirun_on_two_hosts_find_each_other(
    cluster: Callable[..., Cluster], hosts_run: Callable[[Cluster], HostsRun]
) -> None:
    if shutil.which("mpirun") is None:
        pytest.skip("a real mpirun is needed (apt-get install openmpi-bin)")
    lab = cluster(hosts=2)
    run = hosts_run(lab)
    run.suite(iterations=10, limit=60, sizes='["1KiB"]')
    agent = run.folder / "agent"  # mpirun hands it words for a shell, as for ssh
    agent.write_text(f'#!/bin/sh\nhost=$1; shift\nexec {lab.shell} "$host" sh -c "$*"\n')
    agent.chmod(0o755)
    meeting = ("-x", "MASTER_ADDR=cbh0", "-x", "MASTER_PORT=29511", "-x", f"GLOO_SOCKET_IFNAME={FAB_A}")
    network = ("--mca", "plm_rsh_agent", str(agent), "--mca", "oob_tcp_if_include", "mgmt")
    python = (sys.executable, "-m")
    words = (*MPIRUN, "-np", "2", "--host", "cbh0,cbh1", *network, *meeting, *python, *command(run))
    done = subprocess.run(lab.command(0, *words), capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    assert list(run.points()["status"]) == ["ok"]
    assert [list(hosts) for hosts in run.points()["hosts"]] == [["cbh0", "cbh1"]]
    assert list(pd.read_parquet(run.store / "runs")["launcher"]) == ["openmpi"]
