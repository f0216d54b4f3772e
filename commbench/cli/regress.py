"""`commbench regress`: the verdict on a night that is stored already."""

import click

from commbench.cli.nightly_views import Views, view_options
from commbench.cli.options import store_option
from commbench.errors import ExitCode


@click.command(name="regress")
@store_option
@click.option("--night", metavar="DATE", help="Night to judge [the newest one], called by the UTC date it ends.")
@click.option("--cluster", default=None, help="Cluster to judge, where the store holds several.")
@view_options
def command(*, store: str, night: str | None, cluster: str | None, **files: str | None) -> ExitCode:
    """Judge a night by what the store holds, as `commbench nightly` does, and measure nothing.

    Exits with 0 when the night is green, 1 when something is slower or wrong, 3 when it could not be judged, 4 when
    its run broke.
    """
    from commbench.cli.nightly_archive import checked, read
    from commbench.cli.nightly_report import report
    from commbench.store.store import Store

    opened = Store.open(store, create=False)
    archive = read(opened, checked(night) if night else None, cluster)
    return report(opened, archive, archive.judge(), Views(**files), is_newest=night is None)
