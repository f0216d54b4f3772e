"""Where `commbench run` puts its ranks: what the options say, and what a Slurm allocation says."""

from pathlib import Path

import pytest

from commbench.cli.launcher import HostOptions, choose
from commbench.launch.commands import LocalRanks
from commbench.launch.remote import RemoteShell, SlurmAllocation
from commbench.model.plan import Plan
from commbench.plan.expand import expand
from commbench.plan.load import load

from .command import TINY

LIMIT_S = 7.0
IN_JOB = {"SLURM_JOB_ID": "1", "SLURM_JOB_NODELIST": "n[1-2]"}


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    path = tmp_path / "real.toml"
    path.write_text(TINY.replace("simulated", "gloo"))
    return expand(load(str(path)), memory_bytes_available=2**40)


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put commands of Slurm on the PATH that know two nodes."""
    for name in ("srun", "scontrol"):
        (tmp_path / name).write_text("#!/bin/sh\necho n1; echo n2\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")


def options(hosts: str | None = None, ranks: int | None = None, per_host: int | None = None) -> HostOptions:
    return HostOptions(ranks, hosts, per_host, "ssh", None, LIMIT_S)


def test_the_start_limit_is_for_ranks_of_this_machine_as_well_as_for_hosts(plan: Plan, slurm: None) -> None:
    engines = [
        choose(options(), {}, "gloo").engine_for(plan),
        choose(options("a,b"), {}, "gloo").engine_for(plan),
        choose(options(), IN_JOB, "gloo").engine_for(plan),
    ]
    assert [type(engine) for engine in engines] == [LocalRanks, RemoteShell, SlurmAllocation]
    for engine in engines:
        assert isinstance(engine, LocalRanks | RemoteShell | SlurmAllocation)
        assert engine.start_limit_s == LIMIT_S


@pytest.mark.parametrize(
    ("given", "allocated", "world_size"),
    [
        (options(), {"SLURM_NTASKS_PER_NODE": "4", "SLURM_GPUS_ON_NODE": "8"}, 8),
        (options(), {"SLURM_GPUS_ON_NODE": "8"}, 16),
        (options(per_host=3), {"SLURM_NTASKS_PER_NODE": "4"}, 6),
        (options(ranks=2), {"SLURM_NTASKS_PER_NODE": "4"}, 2),
        (options(), {}, None),
    ],
    ids=["tasks before GPUs", "GPUs", "--ranks-per-host", "--ranks", "left to the suite"],
)
def test_an_allocation_says_how_many_ranks_each_node_has_unless_the_user_does(
    slurm: None, given: HostOptions, allocated: dict[str, str], world_size: int | None
) -> None:
    launcher = choose(given, IN_JOB | allocated, "gloo")
    assert (launcher.hosts, launcher.world_size) == (("n1", "n2"), world_size)
