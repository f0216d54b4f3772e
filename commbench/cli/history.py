"""`commbench history`: the levels of one series in retrospect."""

import click

from commbench.cli.deciding import series_called
from commbench.cli.options import store_option
from commbench.errors import ExitCode


@click.command(name="history")
@click.argument("series")
@store_option
@click.option("--metric", default="latency_p50_us", show_default=True, help="Or busbw_gb_s, latency_worst5_mean_us.")
def command(series: str, *, store: str, metric: str) -> ExitCode:
    """Show the levels of SERIES (a series_id or its beginning) over all nights, and when they changed.

    Change points are found with all nights at hand, by PELT: for people to look at. `commbench regress` decides.
    """
    from commbench.analysis.nightly.frames import POINT_COLUMNS
    from commbench.analysis.nightly.history import history
    from commbench.analysis.nightly.rule import NIGHTLY
    from commbench.cli.nightly_archive import calendar_of
    from commbench.report.nightly_looks import history_table
    from commbench.store.store import Store

    opened = Store.open(store, create=False)
    series_id = series_called(series, opened)
    points = opened.points(columns=list(POINT_COLUMNS), purpose=NIGHTLY, series_id=series_id)
    found = history(opened.latest_attempts(points), series_id, metric, calendar_of(opened.incidents()))
    click.echo(history_table(found), nl=False)
    return ExitCode.OK
