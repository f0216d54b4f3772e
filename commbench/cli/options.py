"""Options that several commands share."""

import click

DEFAULT_STORE = "results"

store_option = click.option(
    "--store",
    default=DEFAULT_STORE,
    show_default=True,
    envvar="COMMBENCH_STORE",
    type=click.Path(),
    help="Folder of the result store [also: COMMBENCH_STORE].",
)

ranks_option = click.option("--ranks", type=click.IntRange(min=1), help="Ranks to start on this machine.")
