"""`commbench run`: measure a suite and store what was measured."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commbench.cli.options import ranks_option, store_option
from commbench.errors import ExitCode

if TYPE_CHECKING:
    from commbench.launch.commands import LaunchCommand
    from commbench.model.plan import Plan


@click.command(name="run")
@click.argument("suite")
@ranks_option
@store_option
@click.option("--resume", is_flag=True, help="Go on with the newest unfinished run of this suite.")
@click.option("--cluster", default=None, help="Name of the cluster, recorded with every row.")
def command(suite: str, ranks: int | None, store: str, *, resume: bool, cluster: str | None) -> ExitCode:
    """Measure SUITE (a name from `commbench list`, or a TOML file) and append the results to the store.

    Starts its ranks on this machine, or takes its place among the ranks that torchrun, srun or mpirun started.
    Ctrl-C finishes the point under way and saves; --resume goes on from there.
    """
    from commbench.environment.place import find_place

    place = find_place(os.environ)
    in_launch = place is not None and (place.world_size > 1 or place.launcher == "torchrun")
    if place is not None and in_launch and place.rank > 0:
        _become_rank()
    from commbench.cli.conduct import Conductor
    from commbench.launch.commands import local_ranks, this_rank
    from commbench.plan.load import load

    loaded = load(suite)
    world_size = place.world_size if place is not None and in_launch else ranks

    def start(plan: "Plan", folder: Path) -> "LaunchCommand | None":
        if plan.backend == "simulated":
            return None
        return (
            this_rank(place.launcher, folder)
            if place is not None and in_launch
            else local_ranks(plan.world_size, folder)
        )

    conductor = Conductor(Path(store), start, is_local=not in_launch)
    return conductor.resume(loaded) if resume else conductor.begin(loaded, world_size, cluster)


def _become_rank() -> None:
    """Turn this process into the plain rank it was started as: only rank 0 plans, stores and prints."""
    os.execv(sys.executable, [sys.executable, "-m", "commbench.measure.worker", "-"])  # noqa: S606 - no shell wanted
