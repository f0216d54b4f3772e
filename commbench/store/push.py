"""Sessions that wait for their store: put one there, and bring all of them on their way."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from commbench.errors import StoreError, StoreUnavailableError
from commbench.store import layout, spool
from commbench.store.columns import DATASETS
from commbench.store.publish import is_published, place
from commbench.store.store import Store
from commbench.store.verify import verify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from commbench.store.medium import Medium

_RUNS = "runs"


@dataclass(frozen=True, slots=True)
class Pushed:
    """One session: published and gone from its room, or still there for a reason."""

    run_id: str
    session: int
    fault: str = ""


def open_room(destination: str) -> Store:
    """Return the store in which sessions for a destination wait; make it if needed.

    Raises:
        StoreError: the local disk cannot be written either.
    """
    path = spool.room_for(destination)
    try:
        room = Store.open(path, create=True)
        room.medium.put(spool.DESTINATION_FILE, spool.note_text(destination).encode())
    except StoreError as error:
        words = f"the spool cannot help either ({error}); set {spool.VARIABLE} to a folder on a local disk"
        raise StoreError(words) from error
    return room


def waiting(room: Store) -> tuple[tuple[str, int], ...]:
    """Return run id and session of everything in a room that was published there whole."""
    return tuple(run for key in room.medium.keys(_RUNS) if (run := layout.run_of(key)) is not None)


def push(room: Store, destination: Store) -> "Iterator[Pushed]":
    """Publish every session of a room in its store, and remove each from the room when all of it is there.

    Safe to repeat, to kill, and to run several times at once: files go as they are, under the same keys.

    Raises:
        StoreUnavailableError: the destination cannot be written now.
    """
    keys = {dataset: room.medium.keys(dataset) for dataset in _in_order()}
    for run_id, session in waiting(room):
        own = [(dataset, key) for dataset in keys for key in keys[dataset] if layout.run_of(key) == (run_id, session)]
        try:
            for dataset, key in own:
                _copy(room.medium, destination.medium, dataset, key)
        except StoreUnavailableError:
            raise
        except StoreError as error:
            yield Pushed(run_id, session, str(error))
            continue
        for _, key in own:  # the row of the run last: whoever finds it knows that the rest was published
            room.medium.delete(key)
        yield Pushed(run_id, session)


def _in_order() -> "Iterator[str]":
    """Yield the datasets as they are published: a row in `runs` promises that the others are there."""
    yield from (dataset for dataset in DATASETS if dataset != _RUNS)
    yield _RUNS


def _copy(source: "Medium", target: "Medium", dataset: str, key: str) -> None:
    try:
        content = verify(source, dataset, key).content_hash
        data = source.read(key)
    except FileNotFoundError:
        return  # another push was quicker, and removed it once it was published
    except StoreError as error:
        raise StoreError(f"{source.name(key)} stays where it is: {error}") from error
    if not is_published(target, key, content):
        place(target, key, data, content)
