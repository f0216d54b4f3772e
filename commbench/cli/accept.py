"""`commbench accept`: the new level is the level."""

import click

from commbench.cli.deciding import ACCEPTED, decide, decision_options, incident_called
from commbench.cli.options import store_option
from commbench.errors import ExitCode, UsageError

# What an acceptance says of its incident: the verdict finds by it which series to re-base, and since when.
_COPIED = ("incident_id", "cluster", "scope", "scope_json", "metric", "since", "last_good_at", "effect")


@click.command(name="accept")
@click.argument("incident")
@store_option
@decision_options
def command(incident: str, *, store: str, why: str, author: str | None) -> ExitCode:
    """Accept INCIDENT (an id from `commbench regress`, or its beginning): its level is the baseline from now on."""
    from commbench.report.words import count_of
    from commbench.store.store import Store

    opened = Store.open(store, create=False)
    incidents = opened.incidents()
    row = incident_called(incident, incidents)
    own = incidents[incidents["incident_id"] == row["incident_id"]]
    if str(own["event"].iloc[-1]) == ACCEPTED:
        last = own.iloc[-1]
        raise UsageError(
            f"{row['incident_id']} was accepted by {last['author']} on {last['at']:%Y-%m-%d}: {last['why']}"
        )
    members = [str(each) for each in row["series_ids"]]
    about = {name: _plain(row[name]) for name in _COPIED} | {"series_ids": members, "members": len(members)}
    decide(opened, ACCEPTED, about, why, author)
    words = count_of(len(members), "member")
    click.echo(f"accepted {row['incident_id']}: {words} judged against the new level from now on")
    return ExitCode.OK


def _plain(value: object) -> object:
    """Return a cell of a frame as a row of the store takes it."""
    import pandas as pd

    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    return None if value is pd.NaT or (isinstance(value, float) and value != value) else value  # noqa: PLR0124 - NaN
