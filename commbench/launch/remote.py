"""Engines that start ranks on several hosts: a remote shell for each host, or srun inside a Slurm allocation."""

import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from commbench.environment.variables import allowed_variables
from commbench.errors import UnfitError, UsageError
from commbench.launch.channel import Channel
from commbench.launch.hosts import HostsCommand
from commbench.launch.launched import LaunchRequest
from commbench.launch.wire import Order

# Never ask for a password, name a dead host in seconds, and notice one that dies (man ssh_config).
DEFAULT_REMOTE_SHELL = "ssh -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=15"
_KEEPER = ("-m", "commbench.launch.keeper")
_HOST_NAME = re.compile(r"(?!-)[\w.:@%+-]+")  # nothing that a shell or an option parser would take for its own
# Where programs and libraries are; the rest of the environment may hold secrets and stays here.
_PATHS = ("LD_LIBRARY_PATH", "PYTHONPATH")
_SCONTROL_LIMIT_S = 30


@dataclass(frozen=True, slots=True)
class RemoteShell:
    """Hosts that a command prefix reaches: it takes the host as next argument, then the command to run there.

    `master_addr` is rank 0's address, the first host's name when empty.
    """

    hosts: tuple[str, ...]
    ranks_per_host: int
    prefix: tuple[str, ...]
    master_addr: str = ""
    start_limit_s: float | None = None
    launcher: str = "hosts"
    can_repeat: bool = True

    def prepare(self, request: LaunchRequest) -> HostsCommand:
        """Return a launch on the hosts of the request; this host needs no remote shell."""
        hosts = request.hosts or self.hosts
        channels = tuple(
            Channel((*self._shell(host), sys.executable, *_KEEPER, str(node)), {node: host}, self._name(host))
            for node, host in enumerate(hosts)
        )
        order = _order(request, hosts, self.ranks_per_host, self.master_addr or _address(hosts[0]))
        return HostsCommand(self.launcher, channels, order, self.start_limit_s)

    def _shell(self, host: str) -> tuple[str, ...]:
        return () if _is_here(host) else (*self.prefix, host)

    def _name(self, host: str) -> str:
        return shlex.join((self.prefix[0], host)) if self._shell(host) else sys.executable


@dataclass(frozen=True, slots=True)
class SlurmAllocation:
    """The nodes of the Slurm allocation that this process is in; one srun starts a keeper on each."""

    hosts: tuple[str, ...]
    ranks_per_host: int
    master_addr: str = ""
    start_limit_s: float | None = None
    launcher: str = "slurm-allocation"
    can_repeat: bool = True

    def prepare(self, request: LaunchRequest) -> HostsCommand:
        """Return a step of its own on the nodes of the request."""
        hosts = request.hosts or self.hosts
        srun = (
            *("srun", "--overlap", f"--nodes={len(hosts)}", f"--ntasks={len(hosts)}", "--ntasks-per-node=1"),
            # A keeper's ranks are to have all of the node, and what this process has in its environment.
            *(f"--nodelist={','.join(hosts)}", "--cpu-bind=none", "--export=ALL", "--input=all", "--label"),
            "--kill-on-bad-exit=0",  # whatever the cluster's default: every keeper is to say its last word
        )
        channel = Channel((*srun, sys.executable, *_KEEPER), dict(enumerate(hosts)), "srun", is_labelled=True)
        order = _order(request, hosts, self.ranks_per_host, self.master_addr or hosts[0])
        return HostsCommand(self.launcher, (channel,), order, self.start_limit_s)


def _order(request: LaunchRequest, hosts: tuple[str, ...], ranks_per_host: int, master_addr: str) -> Order:
    handed_over = {name: os.environ[name] for name in _PATHS if name in os.environ} | allowed_variables(os.environ)
    return Order(
        folder=str(request.folder.path.resolve()),
        node_count=len(hosts),
        ranks_per_host=ranks_per_host,
        master_addr=master_addr,
        master_port=0,
        hosts=tuple(_address(host) for host in hosts),
        variables={**handed_over, **request.variables},
    )


def _is_here(host: str) -> bool:
    name = platform.node()
    return host in {"localhost", name, name.partition(".")[0]}


def _address(host: str) -> str:
    """Return the name by which other hosts know one that was given as user@host or localhost."""
    return platform.node() if host == "localhost" else host.rpartition("@")[2]


def parse_hosts(text: str) -> tuple[str, ...]:
    """Return the hosts in a list such as `a,b,c`.

    Raises:
        UsageError: a name is empty, doubled, or cannot be one.
    """
    hosts = tuple(host.strip() for host in text.split(","))
    for host in hosts:
        if not _HOST_NAME.fullmatch(host):
            raise UsageError(f"--hosts {text}: {host!r} is no host; write names with commas between them: a,b,c")
    if len(set(hosts)) < len(hosts):
        raise UsageError(f"--hosts {text}: a host is there twice; use --ranks-per-host for several ranks on each")
    return hosts


def slurm_hosts(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Return the nodes of the allocation that this process is in; none when it is in none.

    Raises:
        UnfitError: Slurm's own commands are missing or do not answer.
    """
    if "SLURM_JOB_ID" not in environ or "SLURM_JOB_NODELIST" not in environ:
        return ()
    if shutil.which("srun") is None:
        raise UnfitError("this is a Slurm allocation, but srun is not on the PATH; add it, or use --hosts")
    command = ["scontrol", "show", "hostnames", environ["SLURM_JOB_NODELIST"]]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_SCONTROL_LIMIT_S, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        raise UnfitError(f"`{shlex.join(command)}` failed: {error}; use --hosts to name the nodes") from error
    return tuple(answer.stdout.split())
