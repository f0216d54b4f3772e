"""Where sessions wait on the local disk for a store that cannot be written now.

    <spool>/<name>-<hash>/                one room for each store that something was meant for; a valid store itself
    <spool>/<name>-<hash>/_destination.json   which store that is

A bucket's journals lie in its room too: a run under way needs a local disk.
"""

import json
import os
import re
from hashlib import blake2b
from pathlib import Path

from commbench.errors import StoreError
from commbench.store.s3 import is_bucket

VARIABLE = "COMMBENCH_SPOOL"
DEFAULT_SPOOL = "commbench-spool"
DESTINATION_FILE = "_destination.json"
_NAME_LENGTH = 40
_HASH_BYTES = 4  # a handful of stores share a spool


def spool() -> Path:
    """Return the folder of all rooms."""
    return Path(os.environ.get(VARIABLE) or DEFAULT_SPOOL)


def destination_of(place: str) -> str:
    """Return a --store as it is written down: a folder with its whole path, a bucket as it is."""
    return place if is_bucket(place) else os.path.abspath(place)  # noqa: PTH100 - resolve() would follow links


def room_for(place: str) -> Path:
    """Return the folder in which sessions for this --store wait; it need not exist."""
    destination = destination_of(place)
    name = re.sub(r"[^A-Za-z0-9]+", "-", destination.removeprefix("s3://")).strip("-")[-_NAME_LENGTH:].strip("-")
    return spool() / f"{name}-{blake2b(destination.encode(), digest_size=_HASH_BYTES).hexdigest()}"


def note_text(place: str) -> str:
    """Return what a room says about where its sessions go."""
    return json.dumps({"store": destination_of(place)}) + "\n"


def destination_in(room: Path) -> str:
    """Return the store that a room's sessions are meant for.

    Raises:
        StoreError: the room does not say.
    """
    path = room / DESTINATION_FILE
    try:
        destination = json.loads(path.read_text(encoding="utf-8"))["store"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} does not say where to publish ({error}); name it with --store") from error
    return str(destination)


def rooms(folder: Path) -> tuple[Path, ...]:
    """Return the rooms of a spool; a folder that is a room or a store itself is the only one.

    Raises:
        StoreError: the folder cannot be read.
    """
    if any((folder / name).exists() for name in (DESTINATION_FILE, "runs")):
        return (folder,)
    try:
        return tuple(sorted(path for path in folder.iterdir() if path.is_dir()))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise StoreError(f"cannot read the spool {folder}: {error.strerror or error}") from error
