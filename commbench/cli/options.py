"""Options that several commands share."""

from pathlib import Path

import click

from commbench.errors import UsageError

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


def share_in(option: str, text: str, example: str) -> float:
    """Return the share that an option gives as `3%` or 0.03.

    Raises:
        UsageError: it is none between 0 and 1.
    """
    try:
        number = float(text.strip().removesuffix("%"))
    except ValueError as error:
        raise UsageError(f"{option} {text}: write a percentage such as {example}") from error
    share = number / 100 if "%" in text else number
    if not 0 < share < 1:
        raise UsageError(f"{option} {text}: write a percentage above 0 and below 100, such as {example}")
    return share


def split_names(text: str) -> tuple[str, ...]:
    """Return the names in a list such as `a,b`."""
    return tuple(name.strip() for name in text.split(",") if name.strip())
