"""`commbench selftest`: how well the nightly rule would find planted losses in this store's own noise."""

import click

from commbench.cli.options import share_in, store_option
from commbench.errors import ExitCode


@click.command(name="selftest")
@store_option
@click.option("--inject", default="10%", show_default=True, metavar="SHARE", help="Share of the bandwidth to take.")
@click.option("--nights", default=60, show_default=True, type=click.IntRange(min=1), help="Nights to plant into.")
@click.option("--seed", default=0, show_default=True, help="Seed of where and when.")
@click.option("--cluster", default=None, help="Cluster to look at, where the store holds several.")
def command(*, store: str, inject: str, nights: int, seed: int, cluster: str | None) -> ExitCode:
    """Replay the store's nights with planted losses: what share is found, how soon, and at how many false alarms.

    Nothing is measured and nothing is written. The last line names the constant to use.
    """
    from commbench.analysis.nightly.rule import Rule
    from commbench.analysis.nightly.selftest import selftest
    from commbench.cli.nightly_archive import read
    from commbench.report.nightly_looks import missed_lines, selftest_table
    from commbench.store.store import Store

    share = share_in("--inject", inject, "10%")
    archive = read(Store.open(store, create=False), None, cluster)
    found = selftest(archive.points, share, nights=nights, seed=seed, calendar=archive.calendar)
    scales = Rule().alarm_scales
    click.echo(missed_lines(found, scales) + selftest_table(found, scales), nl=False)
    return ExitCode.OK
