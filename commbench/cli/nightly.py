"""`commbench nightly`: measure, judge, confirm, record and report a night."""

import os

import click

from commbench.cli.launcher import HostOptions, become_rank, choose, host_options, part_of
from commbench.cli.nightly_views import Views, view_options
from commbench.cli.options import fabrics_option, split_names, store_option
from commbench.errors import ExitCode


@click.command(name="nightly")
@click.argument("suite")
@host_options
@store_option
@fabrics_option
@click.option("--resume", is_flag=True, help="Go on with the newest unfinished run of this suite, then judge.")
@click.option("--cluster", default=None, help="Name of the cluster, recorded with every row.")
@click.option("--night", metavar="DATE", help="Count it as this night [the present; called by the UTC date it ends].")
@view_options
def command(
    suite: str,
    *,
    where: HostOptions,
    store: str,
    fabrics: str,
    resume: bool,
    cluster: str | None,
    night: str | None,
    **files: str | None,
) -> ExitCode:
    """Measure SUITE and say whether anything became slower: the one command for cron, Slurm, CI or Kubernetes.

    Exits with 0 when the night is green, 1 when something is slower or wrong, 3 when it could not be judged (too
    little history, or an unfit machine), 4 when a rank died. What looks worse is measured twice more the same night,
    each time with one half of its hosts where they can be split. A night that is measured already is only judged.
    """
    place = part_of(os.environ)
    if place is not None and place.rank > 0:
        become_rank()
    from commbench.cli.nightly_archive import checked, tonight
    from commbench.cli.nightly_shift import Shift
    from commbench.plan.load import load

    loaded = load(suite)
    launcher = choose(where, os.environ, loaded.suite.sweep.backend)
    name = loaded.suite.about.cluster if cluster is None else cluster
    label = tonight() if night is None else checked(night)
    shift = Shift(store, loaded, launcher, split_names(fabrics), name, label, is_given=night is not None)
    return shift.work(Views(**files), resume=resume)
