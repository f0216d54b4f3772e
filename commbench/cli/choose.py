"""`commbench choose`: the one table for people who choose between two fabrics."""

import click

from commbench.cli.compare_options import side_options
from commbench.cli.options import store_option


@click.command(name="choose")
@click.argument("names", nargs=-1, metavar="[A B]")
@store_option
@side_options("fabric")
@click.option("--workload", multiple=True, metavar="FILE", help="A training step (TOML), or `examples`; repeatable.")
@click.option("--prices", type=click.Path(), help="What the fabrics cost (TOML); nothing is assumed.")
@click.option("--format", "fmt", type=click.Choice(["table", "markdown", "json", "csv"]), default="table")
@click.option("-o", "--output", default="-", type=click.Path(), help="File to write; - is standard output.")
def command(
    names: tuple[str, ...],
    *,
    store: str,
    workload: tuple[str, ...],
    prices: str | None,
    fmt: str,
    output: str,
    **asked: str,
) -> None:
    """Put latency, throughput, utilisation, cost and recovery of A and B side by side, and say which pays.

    What was not measured or not given says so. docs/compare.md has the files that --workload and --prices take.
    """
    from commbench.cli.choosing import Wanted, chosen, prices_in, workloads
    from commbench.cli.compare_sides import Asked
    from commbench.cli.output import write_text
    from commbench.cli.reading import open_for_reading
    from commbench.report.choice_table import render

    steps, costs = workloads(workload), prices_in(prices)
    found = chosen(open_for_reading(store), Asked(names, **asked), Wanted(), steps, costs)
    write_text(render(found.choice, fmt), output)
