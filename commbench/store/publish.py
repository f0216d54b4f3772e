"""How a file gets into the store: whole, once, and on disk before anyone can see it.

Write under a name of its own in `_staging` and fsync; read the footer back; link it to its final name, which
fails if that name is taken; fsync the folder; unlink the staging name. Killed at any moment, this leaves at most
a staging file, which a later publish removes.
"""

import contextlib
import errno
import logging
import os
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from commbench import __version__
from commbench.errors import StoreError
from commbench.store.identity import content_hash
from commbench.store.layout import STAGING
from commbench.store.schema import CONTENT_HASH_KEY, file_schema, write_options

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

_LOG = logging.getLogger("commbench.store")

_STAGING_LIMIT_S = 7 * 24 * 3600  # no writer takes a week: what is older was left by one that was killed
# What link(2) answers on file systems without hard links (FAT, exFAT, many FUSE and cloud mounts).
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
_LINKED_TWICE = 2


def publish_table(store: Path, dataset: str, table: pa.Table, final: Path) -> None:
    """Publish the table as the file `final`; do nothing if a file of the same content is there already.

    Raises:
        StoreError: the store cannot be written, or `final` is there with another content.
    """
    content = content_hash(table)
    if _is_published(final, content):
        return
    options = write_options(dataset)
    stamped = table.cast(file_schema(dataset, __version__, content))

    def write(file: "BinaryIO") -> None:
        pq.write_table(stamped, file, **options)

    with contextlib.ExitStack() as cleanup:
        try:
            staged = _stage(store, write, cleanup)
            _check_readable(staged, table.num_rows)
            if not _place(staged, final) and not _is_published(final, content):
                raise StoreError(f"{final} vanished while it was being published; publish again")
        except OSError as error:
            raise StoreError(f"cannot write {final}: {error.strerror or error}; nothing was lost, retry") from error


def publish_text(store: Path, text: str, final: Path) -> None:
    """Write a small file in one step; one that is there already is left as it is.

    Raises:
        OSError: it cannot be written.
    """
    with contextlib.ExitStack() as cleanup:
        _place(_stage(store, lambda file: file.write(text.encode()), cleanup), final)


def probe(store: Path) -> None:
    """Write and remove a staging file.

    Raises:
        OSError: that is not possible.
    """
    with contextlib.ExitStack() as cleanup:
        _stage(store, lambda file: file.write(b"probe"), cleanup)


def remove_leftovers(store: Path) -> None:
    """Remove the staging files of writers that were killed more than a week ago."""
    limit = time.time() - _STAGING_LIMIT_S
    with contextlib.suppress(OSError):  # tidying must never fail a run
        for path in (store / STAGING).iterdir():
            with contextlib.suppress(FileNotFoundError):  # another writer was tidying too
                if path.stat().st_mtime < limit:
                    path.unlink()


def _stage(store: Path, write: "Callable[[BinaryIO], object]", cleanup: contextlib.ExitStack) -> Path:
    folder = store / STAGING
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex}"
    cleanup.callback(path.unlink, missing_ok=True)
    with path.open("xb") as file:
        write(file)
        file.flush()
        os.fsync(file.fileno())
    return path


def _check_readable(path: Path, row_count: int) -> None:
    try:
        written = pq.read_metadata(path).num_rows
    except pa.ArrowException as error:
        raise StoreError(f"{path} cannot be read back after writing ({error}); is the disk full or failing?") from error
    if written != row_count:
        raise StoreError(f"{path} has {written} rows after writing {row_count}; is the disk full or failing?")


def _place(staged: Path, final: Path) -> bool:
    """Give the staged file its final name and return True, or return False if the name is taken."""
    final.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(staged, final)
    except OSError as error:
        # NFS may report an error for a link that it made, when the answer was lost and the request sent again.
        if staged.stat().st_nlink != _LINKED_TWICE:
            if error.errno == errno.EEXIST:
                return False
            if error.errno not in _NO_LINKS:
                raise
            if final.exists():
                return False
            # The name holds run and session, so only the same session published twice at once could meet here.
            staged.rename(final)
    for folder in (final.parent, final.parent.parent):  # the second one for a new month
        _sync_folder(folder)
    return True


def _is_published(final: Path, content: str) -> bool:
    try:
        found = (pq.read_schema(final).metadata or {}).get(CONTENT_HASH_KEY)
    except FileNotFoundError:
        return False
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"{final} is there but cannot be read ({error}); move it away and publish again") from error
    if found != content.encode():
        raise StoreError(
            f"{final} is there with another content: the same run and session was published before; "
            "nothing was overwritten"
        )
    _LOG.debug("%s was published before", final)
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP, errno.EBADF}:  # some network mounts cannot sync folders
            raise
    finally:
        os.close(descriptor)
