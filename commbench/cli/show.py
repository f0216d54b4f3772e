"""`commbench show`: one run as a table."""

import click

from commbench.cli.options import store_option


@click.command(name="show")
@click.argument("run", default="latest")
@store_option
@click.option("--each-launch", is_flag=True, help="Show every launch by itself instead of the median of them.")
@click.option("--overhead", is_flag=True, help="Show what commbench itself costs instead: an empty call.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def command(run: str, store: str, *, each_launch: bool, overhead: bool, as_json: bool) -> None:
    """Print RUN (an id, its beginning, or `latest`): nccl-tests' columns, and p50, p99 and worst case."""
    from commbench.analysis.launches import across_launches
    from commbench.report.export import export
    from commbench.report.overhead import overhead_table
    from commbench.report.table import show
    from commbench.store.store import Store

    opened = Store.open(store, create=False)
    points = opened.latest_attempts(opened.points(run_id=opened.resolve_run(run)))
    if not each_launch and not as_json:
        points = across_launches(points)
    if overhead:
        click.echo(overhead_table(points), nl=False)
    else:
        click.echo(export(points, "json") if as_json else show(points), nl=False)
