"""`commbench store compact`: make the monthly copies that keep reads fast."""

import click

from commbench.cli.options import store_option


@click.command(name="compact")
@store_option
def command(store: str) -> int:
    """Copy whole months into single files below _cache, for quick reads; what was published stays as it is.

    Repeat it when you like, such as after every night: months that have not changed are left alone. The copies may be
    removed at any time. Exits with 1 when a month holds a damaged file, which is named.
    """
    from commbench.errors import ExitCode
    from commbench.store.compact import compact
    from commbench.store.store import Store
    from commbench.units import format_size

    states = {"built": 0, "current": 0, "left": 0}
    for done in compact(Store.open(store, create=False).medium):
        states[done.state] += 1
        if done.state == "built":
            click.echo(f"{done.dataset} {done.month}: {done.files} files in {format_size(done.size_bytes)}")
        elif done.state == "left":
            click.echo(f"{done.dataset} {done.month}: not copied: {done.why}", err=True)
    click.echo(
        f"{states['built']} months copied, {states['current']} were up to date, {states['left']} left as they are"
    )
    return ExitCode.GATE if states["left"] else ExitCode.OK
