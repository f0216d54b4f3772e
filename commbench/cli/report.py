"""`commbench report`: one self-contained HTML page."""

import click

from commbench.cli.options import store_option
from commbench.errors import UsageError


@click.command(name="report")
@click.argument("runs", nargs=-1)
@store_option
@click.option("-o", "--output", default="report.html", show_default=True, type=click.Path(), help="- is stdout.")
@click.option("--kernel", help="Write of this run of the kernel benchmark only: an id, its beginning, or `latest`.")
def command(runs: tuple[str, ...], store: str, output: str, kernel: str | None) -> None:
    """Write a report of RUNS (ids, their beginnings, or `latest`, the default) that opens offline.

    The store's newest run of the kernel benchmark has a section of its own.
    """
    import pandas as pd

    from commbench.analysis.launches import across_launches
    from commbench.cli.kernel_rows import find_kernel_run, kernel_page, kernel_part
    from commbench.cli.output import write_text
    from commbench.cli.reading import open_for_reading
    from commbench.report.html import render

    if kernel is not None:
        if runs:
            raise UsageError("--kernel writes a page of the kernel benchmark alone; leave the runs out, or --kernel")
        write_text(kernel_page(store, kernel), output)
        _say_where(output)
        return
    opened = open_for_reading(store)
    run_ids = list(dict.fromkeys(opened.resolve_run(run) for run in runs or ("latest",)))
    points = pd.concat([opened.latest_attempts(opened.points(run_id=run_id)) for run_id in run_ids])
    sessions = opened.runs()
    points = across_launches(points)
    part = kernel_part(find_kernel_run(opened, "latest"))
    write_text(render(points, sessions[sessions["run_id"].isin(run_ids)], part), output)
    _say_where(output)


def _say_where(output: str) -> None:
    if output != "-":
        click.echo(f"wrote {output}; open it in a browser", err=True)
