"""`commbench report`: one self-contained HTML page."""

import click

from commbench.cli.options import store_option


@click.command(name="report")
@click.argument("runs", nargs=-1)
@store_option
@click.option("-o", "--output", default="report.html", show_default=True, type=click.Path(), help="- is stdout.")
def command(runs: tuple[str, ...], store: str, output: str) -> None:
    """Write a report of RUNS (ids, their beginnings, or `latest`, the default) that opens offline."""
    import pandas as pd

    from commbench.analysis.launches import across_launches
    from commbench.cli.output import write_text
    from commbench.cli.reading import open_for_reading
    from commbench.report.html import render

    opened = open_for_reading(store)
    run_ids = list(dict.fromkeys(opened.resolve_run(run) for run in runs or ("latest",)))
    points = pd.concat([opened.latest_attempts(opened.points(run_id=run_id)) for run_id in run_ids])
    sessions = opened.runs()
    points = across_launches(points)
    write_text(render(points, sessions[sessions["run_id"].isin(run_ids)]), output)
    if output != "-":
        click.echo(f"wrote {output}; open it in a browser", err=True)
