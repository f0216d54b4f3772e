"""`commbench report`: one self-contained HTML page."""

from pathlib import Path

import click

from commbench.cli.compare_options import margin_in, metrics_in, side_options, verdict_options
from commbench.cli.options import store_option
from commbench.errors import UsageError


@click.command(name="report")
@click.argument("runs", nargs=-1)
@store_option
@click.option("-o", "--output", default="report.html", show_default=True, type=click.Path(), help="- is stdout.")
@click.option("--kernel", help="Write of this run of the kernel benchmark only: an id, its beginning, or `latest`.")
@click.option("--compare", is_flag=True, help="Compare: --compare A B; without names the two fabrics of a run.")
@side_options("fabric", "With --compare. ")
@verdict_options("With --compare. ")
@click.option("--workload", multiple=True, metavar="FILE", help="With --compare: a training step, or `examples`.")
@click.option("--prices", type=click.Path(), help="With --compare: what the fabrics cost (TOML).")
@click.option("--plots", type=click.Path(path_type=Path), help="With --compare: a folder for every chart as SVG.")
@click.option("--png", is_flag=True, help="With --plots: every chart as PNG as well; needs rsvg-convert.")
def command(
    runs: tuple[str, ...],
    *,
    store: str,
    output: str,
    kernel: str | None,
    compare: bool,
    metric: str,
    margin: str,
    workload: tuple[str, ...],
    prices: str | None,
    plots: Path | None,
    png: bool,
    **asked: str,
) -> None:
    """Write a report of RUNS (ids, their beginnings, or `latest`, the default) that opens offline.

    The store's newest run of the kernel benchmark has a section of its own. With --compare the page is about two
    sides, and RUNS are their names: `report --compare ib roce`, `report --compare A B --by run`; or any two selections,
    --a and --b.
    """
    if compare:
        if kernel is not None:
            raise UsageError("--kernel and --compare write different pages; give one of them")
        from commbench.cli.choosing import Wanted
        from commbench.cli.compare_report import Charts, write_comparison
        from commbench.cli.compare_sides import Asked

        wanted, charts = Wanted(metrics_in(metric), margin_in(margin)), Charts(plots, is_png=png)
        sides = Asked(runs, **asked)
        write_comparison(store, sides, wanted, workload=workload, prices=prices, output=output, charts=charts)
        _say_where(output)
        return
    selections = [text for name, text in asked.items() if name != "by"]
    if any((*selections, metric, margin, workload, prices, plots, png)):
        raise UsageError(
            "--a, --b, --where, --metric, --margin, --workload, --prices, --plots and --png belong to --compare; "
            "add it, or leave them out"
        )
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
