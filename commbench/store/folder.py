"""A store in a folder: every file is whole, there once, and on disk before anyone can see it.

Write under a name of its own in `_staging` and fsync; read it back; link it to its final name, which fails if that
name is taken; fsync the folder; unlink the staging name. Killed at any moment, this leaves at most a staging file,
which a later writer removes.
"""

import contextlib
import errno
import os
import socket
import time
from pathlib import Path
from uuid import uuid4

import pyarrow.dataset as ds
import pyarrow.fs

from commbench.errors import StoreError, StoreUnavailableError
from commbench.store.layout import STAGING

_FORMAT = ds.ParquetFileFormat()
_STAGING_LIMIT_S = 7 * 24 * 3600  # no writer takes a week: what is older was left by one that was killed
# What link(2) answers on file systems without hard links (FAT, exFAT, many FUSE and cloud mounts).
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
_NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EBADF}  # what fsync(2) of a folder answers on some network mounts
_LINKED_TWICE = 2
_LOST = "the folder was removed, moved or unmounted since the store was opened"


class Folder:
    """A store's medium on a local disk or a network file system."""

    def __init__(self, path: Path) -> None:
        self.local_path = path
        self._identity = _identity(path)

    @classmethod
    def open(cls, path: Path, *, create: bool) -> "Folder":
        """Return the folder; with `create`, make it if needed and check that it can be written.

        Raises:
            StoreError: it is not there, is no folder, or cannot be used.
        """
        try:
            # A stat of what is not there is no error, a stat of what is below a file is one.
            if path.exists() and not path.is_dir():
                raise StoreError(_not_a_folder(path))
            if create:
                _make_folder(path)
            elif not path.is_dir():
                raise StoreError(f"there is no store at {path}; make a run first, or choose another --store")
        except NotADirectoryError as error:
            raise StoreError(_not_a_folder(path)) from error
        except OSError as error:
            verb = "written" if create else "read"
            raise StoreError(f"the store {path} cannot be {verb}: {_why(error)}; choose another --store") from error
        return cls(path)

    @property
    def place(self) -> str:
        return str(self.local_path)

    def name(self, key: str) -> str:
        return str(self.local_path / key)

    def keys(self, under: str) -> list[str]:
        found: list[str] = []
        try:
            for folder, _, names in os.walk(self.local_path / under, onerror=_unless_missing):
                prefix = Path(folder).relative_to(self.local_path).as_posix()
                found += [f"{prefix}/{name}" for name in names]
        except OSError as error:
            raise StoreUnavailableError(f"cannot list {self.name(under)}: {_why(error)}") from error
        return sorted(found)

    def sizes(self, under: str) -> dict[str, int]:
        found = {}
        for key in self.keys(under):
            with contextlib.suppress(FileNotFoundError):  # removed since it was listed
                found[key] = (self.local_path / key).stat().st_size
        return found

    def fragment(self, key: str) -> ds.ParquetFileFragment:
        return _FORMAT.make_fragment(self.name(key), filesystem=pyarrow.fs.LocalFileSystem())

    def read(self, key: str) -> bytes:
        return (self.local_path / key).read_bytes()

    def put(self, key: str, data: bytes) -> bool:
        with contextlib.ExitStack() as cleanup:
            try:
                return _place(self._stage(data, cleanup), self.local_path / key)
            except OSError as error:
                raise self._unavailable(key, error) from error

    def replace(self, key: str, data: bytes) -> None:
        final = self.local_path / key
        with contextlib.ExitStack() as cleanup:
            try:
                staged = self._stage(data, cleanup)
                final.parent.mkdir(parents=True, exist_ok=True)
                staged.replace(final)
            except OSError as error:
                raise self._unavailable(key, error) from error

    def delete(self, key: str) -> None:
        try:
            (self.local_path / key).unlink(missing_ok=True)
        except OSError as error:
            raise StoreUnavailableError(f"cannot remove {self.name(key)}: {_why(error)}; remove it by hand") from error

    def probe(self) -> None:
        with contextlib.ExitStack() as cleanup:
            try:
                self._stage(b"probe", cleanup)
            except OSError as error:
                words = f"the store {self.place} cannot be written: {_why(error)}; choose another --store"
                raise StoreUnavailableError(words) from error

    def tidy(self) -> None:
        limit = time.time() - _STAGING_LIMIT_S
        with contextlib.suppress(OSError):  # tidying must never fail a run
            for path in (self.local_path / STAGING).iterdir():
                with contextlib.suppress(FileNotFoundError):  # another writer was tidying too
                    if path.stat().st_mtime < limit:
                        path.unlink()

    def _stage(self, data: bytes, cleanup: contextlib.ExitStack) -> Path:
        """Return a new file with these bytes, on disk and read back, that goes away with `cleanup`."""
        if _identity(self.local_path) != self._identity:
            # Writing on would make a new folder, or fill the empty mount point that hides below a lost mount.
            raise FileNotFoundError(errno.ENOENT, _LOST)
        folder = self.local_path / STAGING
        folder.mkdir(exist_ok=True)
        path = folder / f"{socket.gethostname()}-{os.getpid()}-{uuid4().hex}"
        cleanup.callback(_unlink_quietly, path)
        with path.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if path.read_bytes() != data:
            raise OSError(errno.EIO, "it does not read back as it was written; is the disk full or failing?")
        return path

    def _unavailable(self, key: str, error: OSError) -> StoreUnavailableError:
        return StoreUnavailableError(f"cannot write {self.name(key)}: {_why(error)}")


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


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(descriptor)


def _identity(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (-1, -1)  # no folder has this identity
    return (status.st_dev, status.st_ino)


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:  # a component of the path became a file, or is one
        raise NotADirectoryError from error


def _not_a_folder(path: Path) -> str:
    culprit = next((each for each in (path, *path.parents) if each.is_file()), path)
    return f"{culprit} is not a folder, so {path} cannot be a store; choose another --store"


def _unlink_quietly(path: Path) -> None:
    with contextlib.suppress(OSError):  # gone with its folder, or on a mount that was lost
        path.unlink()


def _unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _why(error: OSError) -> str:
    return error.strerror or str(error)
