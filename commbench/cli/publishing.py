"""Put a session where it belongs, or into the spool when its store cannot be written now."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from commbench.errors import StoreError, StoreUnavailableError
from commbench.store.layout import JOURNAL
from commbench.store.push import open_room, waiting
from commbench.store.s3 import is_bucket
from commbench.store.spool import room_for
from commbench.store.store import Store

if TYPE_CHECKING:
    from commbench.journal.folder import JournalFolder
    from commbench.model.run import Record


@dataclass(frozen=True, slots=True)
class Published:
    """The store that a session is in, and whether that is only the spool."""

    store: Store
    is_spooled: bool


def open_for_writing(place: str, *, create: bool) -> Store:
    """Return the store that a run is meant for.

    A bucket that does not answer is no reason to refuse a sweep: it may be back when the sweep ends, and the spool is
    there if not. A folder that cannot be written is most likely a slip of the pen, and fails at once.

    Raises:
        StoreError: it cannot be used, and waiting will not change that.
    """
    room = room_for(place)
    create = create or is_bucket(place) or (room / JOURNAL).is_dir()  # a folder that failed a run may be gone
    try:
        store = Store.open(place, create=create)
    except StoreUnavailableError as error:
        if not is_bucket(place):
            raise
        click.echo(f"commbench: {error}; measuring all the same", err=True)
        store = Store.unchecked(place)
    if room.is_dir() and (count := len(waiting(Store.open(room, create=False)))):
        click.echo(f"note: {count} sessions for {place} wait in {room}; publish them: commbench store push", err=True)
    return store


def publish(store: Store, record: "Record", journal: "JournalFolder") -> Published:
    """Append a session to the store, or to its room in the spool when the store cannot be written now.

    Raises:
        StoreError: neither holds it now; the journal does.
    """
    run_id = record.session.run_id
    try:
        try:
            store.append(record)
        except StoreUnavailableError as error:
            room = _spooled(store.place, record, str(error))
            click.echo(f"commbench: {error}", err=True)
            click.echo(
                f"run {run_id} waits in {room.place}, nothing is lost; publish it later: commbench store push", err=True
            )
            return Published(room, is_spooled=True)
    except StoreError as error:
        kept = f"what was measured is safe in {journal.path}; mend the store and run again with --resume"
        raise StoreError(f"{error}; {kept}") from error
    return Published(store, is_spooled=False)


def _spooled(place: str, record: "Record", why: str) -> Store:
    try:
        room = open_room(place)
        room.append(record)
    except StoreError as error:
        raise StoreError(f"{why}; {error}") from error
    return room
