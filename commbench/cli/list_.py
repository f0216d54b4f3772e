"""`commbench list`: suites, collectives and the runs in the store; or the fabrics of this host."""

from pathlib import Path

import click

from commbench.cli.options import store_option, sysfs_option


@click.command(name="list")
@store_option
@click.option("--fabrics", is_flag=True, help="List this host's links, and what each fabric would set, instead.")
@sysfs_option
@click.option("--json", "as_json", is_flag=True, help="Print the runs, or the fabrics, as JSON.")
def command(store: str, sysfs: Path | None, *, fabrics: bool, as_json: bool) -> None:
    """List suites, collectives and stored runs; with --fabrics the networks of this host."""
    if sysfs and not fabrics:
        raise click.UsageError("--sysfs needs --fabrics: runs and suites are not in a tree of devices")
    if fabrics:
        _list_fabrics(sysfs, as_json=as_json)
    else:
        _list_runs(store, as_json=as_json)


def _list_fabrics(sysfs: Path | None, *, as_json: bool) -> None:
    from commbench.fabric.discover import discover
    from commbench.report.fabrics import fabrics_json, fabrics_text

    devices = discover(sysfs) if sysfs else discover()
    click.echo(fabrics_json(devices) if as_json else fabrics_text(devices), nl=as_json)


def _list_runs(store: str, *, as_json: bool) -> None:
    from commbench.report.listing import NO_RUNS, RUN_COLUMNS, runs_table
    from commbench.report.overview import suites_table, unfinished_table
    from commbench.store.s3 import is_bucket
    from commbench.store.store import Store

    opened = Store.open(store, create=False) if is_bucket(store) or Path(store).exists() else None
    runs = opened.runs(columns=None if as_json else RUN_COLUMNS) if opened else None
    if as_json:
        click.echo("[]" if runs is None else runs.to_json(orient="records", indent=1, date_format="iso"))
        return
    click.echo(suites_table())
    click.echo(f"Runs in {store}")
    click.echo(NO_RUNS if runs is None else runs_table(runs), nl=False)
    if opened and opened.journals():
        click.echo(f"\n{unfinished_table(opened.journals())}", nl=False)
