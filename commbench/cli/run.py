"""`commbench run`: measure a suite and store what was measured."""

import os

import click

from commbench.cli.launcher import HostOptions, become_rank, choose, host_options, part_of
from commbench.cli.options import fabrics_option, split_names, store_option
from commbench.errors import ExitCode


@click.command(name="run")
@click.argument("suite")
@host_options
@store_option
@fabrics_option
@click.option("--resume", is_flag=True, help="Go on with the newest unfinished run of this suite.")
@click.option("--cluster", default=None, help="Name of the cluster, recorded with every row.")
def command(
    suite: str,
    *,
    where: HostOptions,
    store: str,
    fabrics: str,
    resume: bool,
    cluster: str | None,
) -> ExitCode:
    """Measure SUITE (a name from `commbench list`, or a TOML file) and append the results to the store.

    Starts its ranks on this machine, on --hosts, or on all nodes of the Slurm allocation it is in; or takes its place
    among the ranks that torchrun, srun or mpirun started. Ctrl-C finishes the point under way and saves; --resume goes
    on from there. An interleaved schedule ends after the visits under way, and --resume measures its open points again.
    """
    place = part_of(os.environ)
    if place is not None and place.rank > 0:
        become_rank()
    from commbench.cli.conduct import Conductor, Extent
    from commbench.plan.load import load

    loaded = load(suite)
    launcher = choose(where, os.environ, loaded.suite.sweep.backend)
    conductor = Conductor(store, launcher.engine_for, is_local=launcher.is_local)
    if resume:
        return conductor.resume(loaded)
    return conductor.begin(loaded, Extent(launcher.world_size, launcher.nodes, split_names(fabrics)), cluster)
