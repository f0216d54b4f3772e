import json
import sys
from pathlib import Path

import pytest

from commbench.errors import UnfitError, UsageError
from commbench.journal.folder import JournalFolder
from commbench.launch.commands import LaunchCommand, LocalRanks, ThisRank
from commbench.launch.launched import LaunchRequest
from commbench.launch.remote import RemoteShell, SlurmAllocation, parse_hosts, slurm_hosts

HOSTS = ("a", "me@b", "c")
SHELL = RemoteShell(HOSTS, 8, ("ssh", "-v"))


@pytest.fixture
def request_for(tmp_path: Path) -> LaunchRequest:
    return LaunchRequest(JournalFolder(tmp_path), {"NCCL_NET": "IB"})


def test_each_host_is_reached_by_the_prefix_with_its_name_behind(request_for: LaunchRequest) -> None:
    command = SHELL.prepare(request_for)
    keeper = (sys.executable, "-m", "commbench.launch.keeper")
    assert [channel.arguments for channel in command.channels] == [
        ("ssh", "-v", "a", *keeper, "0"),
        ("ssh", "-v", "me@b", *keeper, "1"),
        ("ssh", "-v", "c", *keeper, "2"),
    ]
    assert (command.order.node_count, command.order.ranks_per_host, command.order.master_addr) == (3, 8, "a")


def test_this_host_needs_no_remote_shell(request_for: LaunchRequest) -> None:
    (here, there) = RemoteShell(("localhost", "c"), 1, ("ssh",)).prepare(request_for).channels
    assert here.arguments[0] == sys.executable
    assert there.arguments[:2] == ("ssh", "c")


def test_a_launch_can_be_restricted_to_some_of_the_hosts(tmp_path: Path) -> None:
    some = LaunchRequest(JournalFolder(tmp_path), hosts=("me@b", "c"))
    for engine in (SHELL, SlurmAllocation(HOSTS, 8)):
        command = engine.prepare(some)
        assert [host for channel in command.channels for host in channel.hosts.values()] == ["me@b", "c"]
        assert command.order.node_count == 2
    assert SHELL.prepare(some).order.master_addr == "b"


def test_an_order_carries_the_launchs_variables_and_what_may_be_known_of_ours_but_no_secret(
    request_for: LaunchRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NCCL_NET", "Socket")
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "eth7")
    monkeypatch.setenv("NCCL_API_KEY", "hush")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    variables = SHELL.prepare(request_for).order.variables
    assert variables["NCCL_NET"] == "IB", "what the launch asks for wins"
    assert variables["GLOO_SOCKET_IFNAME"] == "eth7"
    assert "hush" not in variables.values()


def test_local_ranks_and_a_rank_of_ours_get_the_launchs_variables_too(request_for: LaunchRequest) -> None:
    assert LocalRanks(2).prepare(request_for).environment["NCCL_NET"] == "IB"
    ours = ThisRank("openmpi").prepare(request_for)
    assert ours.environment["NCCL_NET"] == "IB"
    assert json.loads(ours.environment["COMMBENCH_VARIABLES"]) == {"NCCL_NET": "IB"}  # for the other ranks
    assert isinstance(ours, LaunchCommand)


def test_srun_starts_one_keeper_on_each_node_in_a_step_that_may_share_the_allocation(
    request_for: LaunchRequest,
) -> None:
    (channel,) = SlurmAllocation(("n1", "n2"), 4).prepare(request_for).channels
    assert channel.arguments[0] == "srun"
    assert {"--overlap", "--nodes=2", "--ntasks=2", "--ntasks-per-node=1", "--nodelist=n1,n2"} <= set(channel.arguments)


def test_a_list_of_hosts_is_split_at_commas() -> None:
    assert parse_hosts("node-1, me@node2.lab ,10.0.0.3") == ("node-1", "me@node2.lab", "10.0.0.3")


@pytest.mark.parametrize("text", ["", "a,,b", "a,-oProxyCommand=x", "a;b", "a b", "$(x)", "a,a"])
def test_what_can_be_no_list_of_hosts_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--hosts"):
        parse_hosts(text)


def script(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_the_nodes_of_an_allocation_are_those_that_slurm_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script(tmp_path, "srun", "")
    script(tmp_path, "scontrol", '[ "$*" = "show hostnames n[1-2],x" ] && printf "n1\\nn2\\nx\\n"')
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert slurm_hosts({"SLURM_JOB_ID": "7", "SLURM_JOB_NODELIST": "n[1-2],x"}) == ("n1", "n2", "x")
    assert slurm_hosts({}) == ()


def test_an_allocation_without_slurms_commands_is_said_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {"SLURM_JOB_ID": "7", "SLURM_JOB_NODELIST": "n1"}
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnfitError, match=r"srun is not on the PATH.*--hosts"):
        slurm_hosts(environ)
    script(tmp_path, "srun", "")
    script(tmp_path, "scontrol", "exit 1")
    with pytest.raises(UnfitError, match=r"scontrol show hostnames n1.*--hosts"):
        slurm_hosts(environ)
