"""`commbench store push`: publish what waits in the spool."""

from pathlib import Path

import click


@click.command(name="push")
@click.option("--spool", "folder", default=None, type=click.Path(), help="The spool [default: ./commbench-spool].")
@click.option("--store", default=None, help="Publish there, instead of in the store that each run was meant for.")
def command(folder: str | None, store: str | None) -> int:
    """Publish the runs that wait in the spool because their store could not be written.

    Repeat it as often as you like, also at the same time. A run leaves the spool when all of it is in its store.
    Exits with 3 when something still waits. COMMBENCH_SPOOL names another spool.
    """
    from commbench.errors import ExitCode
    from commbench.store import spool

    place = spool.spool() if folder is None else Path(folder)
    pushed, left = 0, 0
    for room in spool.rooms(place):
        done, stayed = _push_room(room, store)
        pushed, left = pushed + done, left + stayed
    click.echo(f"{pushed} sessions published, {left} still wait in {place}")
    return ExitCode.UNFIT if left else ExitCode.OK


def _push_room(path: Path, place: str | None) -> tuple[int, int]:
    """Return how many sessions of a room were published, and how many were not."""
    from commbench.errors import CommbenchError
    from commbench.store.push import push, waiting
    from commbench.store.spool import destination_in
    from commbench.store.store import Store

    room = Store.open(path, create=False)
    if not waiting(room):
        return 0, 0
    pushed = 0
    try:
        target = destination_in(path) if place is None else place
        for each in push(room, Store.open(target, create=True)):
            if each.fault:
                click.echo(f"commbench: run {each.run_id} session {each.session}: {each.fault}", err=True)
            else:
                pushed += 1
                click.echo(f"run {each.run_id} session {each.session} is in {target}")
    except CommbenchError as error:
        click.echo(f"commbench: {path}: {error}", err=True)
    return pushed, len(waiting(room))
