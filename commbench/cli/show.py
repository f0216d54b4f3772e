"""`commbench show`: one run as a table."""

import click

from commbench.cli.options import store_option


@click.command(name="show")
@click.argument("run", default="latest")
@store_option
@click.option("--each-launch", is_flag=True, help="Show every launch by itself instead of the median of them.")
@click.option("--tail", is_flag=True, help="Show the slow calls instead: worst case, its bound, skew, and the blame.")
@click.option("--overhead", is_flag=True, help="Show what commbench itself costs instead: an empty call.")
@click.option("--kernel", is_flag=True, help="Show a run of the kernel benchmark (`commbench kernel`) instead.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def command(
    run: str, store: str, *, each_launch: bool, tail: bool, overhead: bool, kernel: bool, as_json: bool
) -> None:
    """Print RUN (an id, its beginning, or `latest`): nccl-tests' columns, and p50, p99 and worst case."""
    if kernel:
        from commbench.cli.kernel_rows import kernel_text

        click.echo(kernel_text(store, run, as_json=as_json), nl=False)
        return
    from commbench.analysis.launches import across_launches
    from commbench.cli.advise import advise
    from commbench.cli.reading import open_for_reading
    from commbench.report.export import export
    from commbench.report.overhead import overhead_table
    from commbench.report.series import imported_tools
    from commbench.report.table import show
    from commbench.report.tail import tail_table

    opened = open_for_reading(store)
    run_id = opened.resolve_run(run)
    points = opened.latest_attempts(opened.points(run_id=run_id))
    if as_json:
        click.echo(export(points, "json"), nl=False)
        return
    series = across_launches(points)
    view = tail_table if tail else overhead_table if overhead else show
    click.echo(view(points if each_launch or tail else series), nl=False)
    if imported_tools(points):
        return  # how another tool measured is not ours to advise on
    sessions = opened.runs()
    advise(series, sessions[sessions["run_id"] == run_id])
