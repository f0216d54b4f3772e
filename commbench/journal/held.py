"""Keep a journal when its folder fails it: what a process holds open survives `rm -r`, `mv` and a full disk."""

import contextlib
import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from commbench.errors import StoreError
from commbench.journal.folder import JournalFolder

_PROBE_BYTES = 64 * 1024  # some lines: a journal that has less room than this has none


class HeldJournal:
    """The journal of a session under way; a context manager that holds its plan and lines open."""

    def __init__(self, folder: JournalFolder, refuge: Path) -> None:
        """Take the journal, and the folder in which it is made anew should its own fail."""
        self.folder = folder
        self._refuge = refuge
        self._files: tuple[IO[bytes], IO[bytes]] | None = None

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as on_failure:
            plan, lines = (on_failure.enter_context(path.open("rb")) for path in (self.folder.plan, self.folder.lines))
            self._files = (plan, lines)
            on_failure.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files or ():
            file.close()

    def secure(self) -> JournalFolder:
        """Return where the journal can be written now: in its folder, or copied to the refuge if it cannot be there.

        Raises:
            StoreError: it can be written in neither.
        """
        why = _fault(self.folder)
        if not why or self.folder.path == self._refuge:
            return self.folder
        saved = JournalFolder(self._refuge)
        try:
            self._save(saved)
        except OSError as error:
            raise StoreError(
                f"cannot go on writing the journal {self.folder.path} ({why}), nor copy it to {saved.path} "
                f"({error.strerror or error}); make room, then go on with --resume"
            ) from error
        shutil.rmtree(self.folder.path, ignore_errors=True)  # there must not be two of it
        self.folder = saved
        return saved

    def _save(self, saved: JournalFolder) -> None:
        assert self._files is not None, "use the journal as a context manager"  # noqa: S101 - a programming error
        saved.path.mkdir(parents=True, exist_ok=True)
        for file, path in zip(self._files, (saved.plan, saved.lines), strict=True):
            file.seek(0)
            with path.open("wb") as copy:
                copy.write(file.read())
                copy.flush()
                os.fsync(copy.fileno())


def is_lost(folder: JournalFolder) -> bool:
    """Return whether a journal that was there has gone, or cannot be reached any more."""
    try:
        return not folder.lines.exists()
    except OSError:  # a stale NFS handle
        return True


def _fault(folder: JournalFolder) -> str:
    """Return why nothing can be appended to a journal, empty if it can."""
    if is_lost(folder):
        return "it was removed"
    probe = folder.path / "probe"
    try:
        with probe.open("wb") as file:
            file.write(bytes(_PROBE_BYTES))
            file.flush()
            os.fsync(file.fileno())
        probe.unlink()
    except OSError as error:
        with contextlib.suppress(OSError):
            probe.unlink()
        return error.strerror or str(error)
    return ""
