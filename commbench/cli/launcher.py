"""Which engine starts the ranks of a run: what was asked for, or what this process finds itself in."""

import os
import shlex
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from commbench.cli.options import ranks_option
from commbench.environment.place import Place, find_place
from commbench.errors import UsageError
from commbench.launch.commands import WORKER, LocalRanks, ThisRank
from commbench.launch.remote import DEFAULT_REMOTE_SHELL, RemoteShell, SlurmAllocation, parse_hosts, slurm_hosts
from commbench.model.point import SIMULATED

if TYPE_CHECKING:
    from commbench.launch.launched import Engine
    from commbench.model.plan import Plan


@dataclass(frozen=True, slots=True)
class HostOptions:
    """The options of `run` that say where its ranks go."""

    ranks: int | None
    hosts: str | None
    ranks_per_host: int | None
    remote_shell: str
    master_addr: str | None
    start_limit_s: float | None


@dataclass(frozen=True, slots=True)
class Launcher:
    """Where the ranks of this run go: on which hosts, or as which rank of somebody else's launch.

    Without hosts and place they go on this machine.
    """

    options: HostOptions
    hosts: tuple[str, ...] = ()
    is_slurm: bool = False
    place: Place | None = None
    ranks_per_host: int | None = None

    @property
    def world_size(self) -> int | None:
        """Return how many ranks were asked for; None leaves it to the suite."""
        if self.place is not None:
            return self.place.world_size
        if self.hosts and self.ranks_per_host is not None:
            return self.ranks_per_host * len(self.hosts)
        return self.options.ranks

    @property
    def nodes(self) -> int:
        """Return on how many hosts the ranks are."""
        return self.place.nodes if self.place is not None else max(1, len(self.hosts))

    @property
    def is_local(self) -> bool:
        """Return whether all ranks are started on this machine."""
        return self.place is None and not self.hosts

    def engine_for(self, plan: "Plan") -> "Engine | None":
        """Return what starts a plan's ranks; None for a simulated one.

        Raises:
            UsageError: the ranks do not divide over the hosts.
        """
        if plan.backend == SIMULATED:
            return None
        if self.place is not None:
            return ThisRank(self.place.launcher)
        address, limit_s = self.options.master_addr or "", self.options.start_limit_s
        if not self.hosts:
            return LocalRanks(plan.world_size, limit_s)
        count, rest = divmod(plan.world_size, len(self.hosts))
        if rest:
            raise UsageError(
                f"{plan.world_size} ranks do not divide over {len(self.hosts)} hosts; give --ranks-per-host, or a "
                f"multiple of {len(self.hosts)} as --ranks"
            )
        if self.is_slurm:
            return SlurmAllocation(self.hosts, count, address, limit_s)
        return RemoteShell(self.hosts, count, tuple(shlex.split(self.options.remote_shell)), address, limit_s)


def choose(options: HostOptions, environ: Mapping[str, str], backend: str) -> Launcher:
    """Return where the ranks go: to --hosts, into the launch this process is part of, or over its Slurm allocation.

    Raises:
        UsageError: the options contradict each other.
        UnfitError: this is a Slurm allocation whose commands do not answer.
    """
    place = part_of(environ)
    if place is not None and options.hosts:
        raise UsageError(f"--hosts starts the ranks, but {place.launcher} has started them already; use one of the two")
    if place is not None:
        return Launcher(options, place=place)
    if options.hosts is not None:
        return Launcher(options, parse_hosts(options.hosts), ranks_per_host=_per_host(options))
    nodes = slurm_hosts(environ) if backend != SIMULATED else ()  # no ranks, no nodes
    if not nodes:
        if options.ranks_per_host is not None:
            raise UsageError("--ranks-per-host needs --hosts or a Slurm allocation; on this machine use --ranks")
        return Launcher(options)
    allocated = environ.get("SLURM_NTASKS_PER_NODE", environ.get("SLURM_GPUS_ON_NODE", ""))
    default = int(allocated) if allocated.isdigit() and options.ranks is None else None
    if "MASTER_ADDR" in environ and options.master_addr is None:
        options = replace(options, master_addr=environ["MASTER_ADDR"])
    return Launcher(options, nodes, is_slurm=True, ranks_per_host=_per_host(options) or default)


def part_of(environ: Mapping[str, str]) -> Place | None:
    """Return this process's place in a launch of several ranks; None when it is to start the ranks itself."""
    place = find_place(environ)
    return place if place is not None and (place.world_size > 1 or place.launcher == "torchrun") else None


def become_rank() -> None:
    """Turn this process into the plain rank it was started as: only rank 0 plans, stores and prints."""
    os.execv(sys.executable, [sys.executable, "-m", WORKER, "-"])  # noqa: S606 - no shell wanted


def _per_host(options: HostOptions) -> int | None:
    if options.ranks is not None and options.ranks_per_host is not None:
        raise UsageError("--ranks and --ranks-per-host say the same thing twice; give one of them")
    return options.ranks_per_host


def host_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say where ranks go to a command, which is given them as `where`."""

    @wraps(command)
    def gathered(*arguments: Any, **options: Any) -> Any:
        where = HostOptions(**{each.name: options.pop(each.name) for each in fields(HostOptions)})
        return command(*arguments, where=where, **options)

    decorated: Callable[..., Any] = gathered
    for option in reversed(
        (
            ranks_option,
            click.option("--hosts", help="Hosts to start ranks on, such as a,b,c; rank 0 is on the first."),
            click.option("--ranks-per-host", type=click.IntRange(min=1), help="Ranks on each host."),
            click.option(
                "--remote-shell",
                default=DEFAULT_REMOTE_SHELL,
                show_default=True,
                help="Command that takes a host, then what to run there, and hands standard input on.",
            ),
            click.option("--master-addr", help="Address of the first host where all ranks meet [its name]."),
            click.option(
                "--start-limit",
                "start_limit_s",
                type=click.FloatRange(min=1),
                help="Seconds that ranks may take to come together [180].",
            ),
        )
    ):
        decorated = option(decorated)
    return decorated
