"""`commbench export`: rows of a run for other tools."""

import click

from commbench.cli.options import store_option


@click.command(name="export")
@click.argument("run", default="latest")
@store_option
@click.option("--format", "fmt", type=click.Choice(["csv", "json", "markdown"]), default="csv", show_default=True)
@click.option("-o", "--output", default="-", type=click.Path(), help="File to write; - is standard output.")
def command(run: str, store: str, fmt: str, output: str) -> None:
    """Print the rows of RUN (an id, its beginning, or `latest`)."""
    from commbench.cli.output import write_text
    from commbench.cli.reading import open_for_reading
    from commbench.report.export import export

    opened = open_for_reading(store)
    points = opened.latest_attempts(opened.points(run_id=opened.resolve_run(run)))
    write_text(export(points, fmt), output)
