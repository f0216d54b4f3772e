"""`commbench compare`: which of two fabrics, runs or versions is faster, and how sure that is."""

from typing import TYPE_CHECKING

import click

from commbench.cli.options import split_names, store_option
from commbench.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from commbench.analysis.comparison import Margin


@click.command(name="compare")
@click.argument("names", nargs=-1, metavar="[A B]")
@store_option
@click.option("--by", default="run", show_default=True, metavar="COLUMN", help="What A and B are values of: fabric ...")
@click.option("--a", "where_a", default="", metavar="WHERE", help='Rows of the one side: "fabric=ib, nodes=4".')
@click.option("--b", "where_b", default="", metavar="WHERE", help="Rows of the other side.")
@click.option("--where", default="", metavar="WHERE", help="What both sides have: run=latest, collective=all_reduce.")
@click.option("--metric", default="", metavar="NAMES", help="Of p50,p99,worst,busbw,mean; all that apply when absent.")
@click.option("--margin", default="3%", show_default=True, help="Differences below it do not matter.")
@click.option("--format", "fmt", type=click.Choice(["table", "markdown", "json", "csv"]), default="table")
@click.option("-o", "--output", default="-", type=click.Path(), help="File to write; - is standard output.")
@click.option("--fail-if-slower", is_flag=True, help="Exit with 1 if A is slower than B beyond the margin.")
def command(
    names: tuple[str, ...],
    *,
    store: str,
    by: str,
    where_a: str,
    where_b: str,
    where: str,
    metric: str,
    margin: str,
    fmt: str,
    output: str,
    fail_if_slower: bool,
) -> ExitCode:
    """Compare A with B: two runs, or two values of the column --by; or any two selections, --a and --b.

    `compare --by fabric` compares the two fabrics of the latest run that has two. Launches made side by side are
    paired, and a number is called faster only if its interval lies beyond the margin, for the table as a whole.
    """
    from commbench.analysis.compare import compare
    from commbench.cli.compare_sides import Asked, sides
    from commbench.cli.output import write_text
    from commbench.cli.reading import open_for_reading
    from commbench.report.compare_table import render

    asked = Asked(names, by, where_a, where_b, where)
    metrics, limit = _metrics(metric), _margin(margin)
    a, b, compared = sides(open_for_reading(store), asked)
    found = compare(a, b, compared, limit, metrics)
    write_text(render(found, fmt), output)
    return ExitCode.GATE if fail_if_slower and found.is_first_slower else ExitCode.OK


def _metrics(text: str) -> tuple[str, ...]:
    from commbench.analysis.compare_metrics import METRICS

    names = tuple(dict.fromkeys(split_names(text)))
    unknown = [name for name in names if name not in METRICS]
    if unknown:
        raise UsageError(f"--metric: no {', '.join(unknown)}; there are {', '.join(METRICS)}")
    return names


def _margin(text: str) -> "Margin":
    from commbench.analysis.comparison import Margin

    try:
        number = float(text.strip().removesuffix("%"))
    except ValueError as error:
        raise UsageError(f"--margin {text}: write a percentage such as 3%") from error
    share = number / 100 if "%" in text else number
    if not 0 < share < 1:
        raise UsageError(f"--margin {text}: write a percentage above 0 and below 100, such as 3%")
    return Margin(share)
