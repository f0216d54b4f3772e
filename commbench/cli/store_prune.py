"""`commbench store prune`: remove what is too old to keep."""

import click

from commbench.cli.options import store_option


@click.command(name="prune")
@store_option
@click.option("--older-than", required=True, help="Age of the sessions to remove, such as 180d, 26w or 2y.")
@click.option(
    "--dataset",
    type=click.Choice(["samples", "all"]),
    default="samples",
    show_default=True,
    help="samples keeps each point's results and histogram; all leaves nothing of a run.",
)
@click.option("--keep-purpose", multiple=True, help="Keep runs made for this purpose, such as nightly; repeatable.")
@click.option("--yes/--dry-run", "is_meant", default=False, help="Remove; without --yes they are only listed.")
def command(store: str, older_than: str, dataset: str, keep_purpose: tuple[str, ...], *, is_meant: bool) -> None:
    """List the files of sessions that ended long ago, and with --yes remove them for ever.

    What was removed is written down in the store, so that `commbench store check` does not miss it.
    """
    from datetime import UTC, datetime

    from commbench.report.words import count_of
    from commbench.store.prune import SESSION_DATASETS, choose, parse_age, remove
    from commbench.store.store import Store
    from commbench.units import format_size

    now = datetime.now(UTC)
    before = now - parse_age(older_than)
    medium = Store.open(store, create=False).medium
    removals = choose(medium, before, SESSION_DATASETS if dataset == "all" else (dataset,), keep_purpose)
    for each in removals:
        click.echo(medium.name(each.key))
    total = f"{count_of(len(removals), 'file')}, {format_size(sum(each.size_bytes for each in removals))}"
    if is_meant:
        remove(medium, removals, now)
        click.echo(f"removed {total}")
    elif removals:
        click.echo(f"{total} would be removed; repeat with --yes to remove them for ever")
    else:
        click.echo(f"nothing in {store} is older than {older_than} and not to be kept")
