"""Options that several commands share."""

from pathlib import Path

import click

DEFAULT_STORE = "results"

store_option = click.option(
    "--store",
    default=DEFAULT_STORE,
    show_default=True,
    envvar="COMMBENCH_STORE",
    type=click.Path(),
    help="The result store: a folder, or s3://bucket/prefix [also: COMMBENCH_STORE].",
)

ranks_option = click.option(
    "--ranks",
    type=click.IntRange(min=1),
    help="Ranks in all; without --hosts or a Slurm allocation they are on this machine.",
)

sysfs_option = click.option(
    "--sysfs",
    metavar="ROOT",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Look at this tree instead of /sys, such as one copied from another machine.",
)

fabrics_option = click.option(
    "--fabrics",
    default="",
    help="Fabrics to measure in turn, such as ib,roce, instead of those that the suite names.",
)


def split_names(text: str) -> tuple[str, ...]:
    """Return the names in a list such as `a,b`."""
    return tuple(name.strip() for name in text.split(",") if name.strip())
