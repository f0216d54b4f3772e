"""`commbench list`: the suites that come with commbench, the collectives, and the runs in the store."""

import click

from commbench.cli.options import store_option


@click.command(name="list")
@store_option
@click.option("--json", "as_json", is_flag=True, help="Print the runs as JSON.")
def command(store: str, *, as_json: bool) -> None:
    """List suites, collectives and stored runs."""
    from pathlib import Path

    from commbench.report.listing import NO_RUNS, RUN_COLUMNS, runs_table
    from commbench.report.overview import suites_table, unfinished_table
    from commbench.store.store import Store

    opened = Store.open(store, create=False) if Path(store).exists() else None
    runs = opened.runs(columns=None if as_json else RUN_COLUMNS) if opened else None
    if as_json:
        click.echo("[]" if runs is None else runs.to_json(orient="records", indent=1, date_format="iso"))
        return
    click.echo(suites_table())
    click.echo(f"Runs in {store}")
    click.echo(NO_RUNS if runs is None else runs_table(runs), nl=False)
    if opened and opened.journals():
        click.echo(f"\n{unfinished_table(opened.journals())}", nl=False)
