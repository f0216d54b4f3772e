"""`commbench compare`: which of two fabrics, runs or versions is faster, and how sure that is."""

import click

from commbench.cli.compare_options import margin_in, metrics_in, side_options, verdict_options
from commbench.cli.options import store_option
from commbench.errors import ExitCode


@click.command(name="compare")
@click.argument("names", nargs=-1, metavar="[A B]")
@store_option
@side_options("run")
@verdict_options()
@click.option("--format", "fmt", type=click.Choice(["table", "markdown", "json", "csv"]), default="table")
@click.option("-o", "--output", default="-", type=click.Path(), help="File to write; - is standard output.")
@click.option("--fail-if-slower", is_flag=True, help="Exit with 1 if A is slower than B beyond the margin.")
def command(
    names: tuple[str, ...],
    *,
    store: str,
    metric: str,
    margin: str,
    fmt: str,
    output: str,
    fail_if_slower: bool,
    **asked: str,
) -> ExitCode:
    """Compare A with B: two runs, or two values of the column --by; or any two selections, --a and --b.

    `compare --by fabric` compares the two fabrics of the latest run that has two. Launches made side by side are
    paired, and a number is called faster only if its interval lies beyond the margin, for the table as a whole.
    """
    from commbench.analysis.compare import compare
    from commbench.cli.compare_sides import Asked, margin_of, sides
    from commbench.cli.output import write_text
    from commbench.cli.reading import open_for_reading
    from commbench.report.compare_table import render

    metrics, limit = metrics_in(metric), margin_in(margin)
    a, b, compared = sides(open_for_reading(store), Asked(names, **asked))
    found = compare(a, b, compared, limit or margin_of(a, b, compared), metrics)
    write_text(render(found, fmt), output)
    return ExitCode.GATE if fail_if_slower and found.is_first_slower else ExitCode.OK
