"""`commbench store stats`: how much is in the store."""

import click

from commbench.cli.options import store_option


@click.command(name="stats")
@store_option
@click.option("--by-month", is_flag=True, help="Print one line for each month.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text, by month.")
def command(store: str, *, by_month: bool, as_json: bool) -> None:
    """Say how many files, rows and bytes each dataset has, and from when to when its runs are."""
    from commbench.report.upkeep import totals_json, totals_text
    from commbench.store.store import Store
    from commbench.store.totals import totals

    found = totals(Store.open(store, create=False).medium)
    click.echo(totals_json(found) if as_json else totals_text(found, by_month=by_month), nl=as_json)
