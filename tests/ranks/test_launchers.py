"""The same command takes its place among ranks that somebody else started."""

import socket
import subprocess
import sys
from collections.abc import Callable

import pandas as pd
import pytest

from tests.ranks.conftest import Sweep, clean_environment

pytestmark = pytest.mark.ranks


def test_under_torchrun_the_command_becomes_the_ranks(sweep: Callable[..., Sweep]) -> None:
    run = sweep(ranks="[2, 3]")
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--local-addr", "127.0.0.1"]
    environment = {**clean_environment(), "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    command = [*torchrun, "--nproc-per-node", "3", *run.command()[1:]]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert set(run.points()["world_size"]) == {2, 3}
    assert set(run.points()["status"]) == {"ok"}


@pytest.mark.parametrize(
    ("launcher", "rank", "world_size", "local_rank"),
    [
        ("openmpi", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"),
        ("slurm", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID"),
    ],
)
def test_under_other_launchers_the_ranks_find_each_other(
    launcher: str, rank: str, world_size: str, local_rank: str, sweep: Callable[..., Sweep]
) -> None:
    """Their variables, set by hand: the launchers themselves are not on every machine."""
    run = sweep()
    common = {**clean_environment(), "GLOO_SOCKET_IFNAME": "lo", "MASTER_PORT": str(_free_port()), world_size: "2"}
    processes = [
        subprocess.Popen(run.command(), env={**common, rank: str(i), local_rank: str(i)}, stderr=subprocess.PIPE)
        for i in range(2)
    ]
    said = [process.communicate(timeout=90)[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    assert set(run.points()["status"]) == {"ok"}
    assert list(pd.read_parquet(run.store / "runs")["launcher"]) == [launcher]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
