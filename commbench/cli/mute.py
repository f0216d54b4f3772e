"""`commbench mute`: a series that is no reason for red until a day."""

import click

from commbench.cli.deciding import MUTED, UNMUTED, decide, decision_options, end_of, series_called
from commbench.cli.options import store_option
from commbench.errors import ExitCode, UsageError


@click.command(name="mute")
@click.argument("series")
@store_option
@click.option("--until", metavar="DATE", help="Last day of it, UTC, such as 2026-12-31.")
@click.option("--off", is_flag=True, help="Take an earlier mute back.")
@decision_options
def command(series: str, *, store: str, until: str | None, off: bool, why: str, author: str | None) -> ExitCode:
    """Mute SERIES (a series_id or its beginning): it is measured and shown as ever, and is no reason for red."""
    from commbench.store.store import Store

    if off == (until is not None):
        raise UsageError("say --until DATE to mute, or --off to take a mute back")
    end = None if until is None else end_of(until)
    opened = Store.open(store, create=False)
    series_id = series_called(series, opened)
    about = {"incident_id": f"mute-{series_id}", "series_ids": [series_id], "until": end, "members": 1}
    decide(opened, UNMUTED if off else MUTED, about, why, author)
    click.echo(f"{series_id} is no longer muted" if off else f"{series_id} is muted to the end of {until} (UTC)")
    return ExitCode.OK
