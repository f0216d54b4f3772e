"""Append to a journal so that what was written survives `kill -9` and a power cut."""

import fcntl
import json
import os
import time
from contextlib import ExitStack
from types import TracebackType
from typing import IO, Any, Protocol, Self

from commbench.errors import StoreError
from commbench.journal.folder import JournalFolder

_LOCK_WAIT_S = 10.0  # the ranks of a killed controller let go within a second or two
_LOCK_POLL_S = 0.1


class LineWriter(Protocol):
    """Somebody who takes journal lines."""

    def write(self, kind: str, *, durable: bool = True, **fields: Any) -> None:
        """Append one line; with `durable` have it on disk before returning, else leave that to the next such line."""


class JournalWriter:
    """The one process that appends lines at a time; a context manager that holds the journal's lock.

    Raises:
        StoreError: another process is writing this journal, or the folder cannot be written.
    """

    def __init__(self, folder: JournalFolder) -> None:
        self._folder = folder
        self._lock: IO[str] | None = None
        self._file: IO[bytes] | None = None

    def __enter__(self) -> Self:
        with ExitStack() as on_failure:
            on_failure.callback(self._close)
            try:
                self._lock = self._folder.lock.open("a")
                _wait_for(self._lock)
                self._file = self._folder.lines.open("a+b", buffering=0)
                self._cut_torn_tail()
            except BlockingIOError as error:
                who = "is being measured by another process; wait for it"
                raise StoreError(f"run {self._folder.run_id} {who}") from error
            except OSError as error:
                raise StoreError(f"cannot write the journal {self._folder.path}: {error.strerror or error}") from error
            on_failure.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        for file in (self._file, self._lock):
            if file is not None:
                file.close()

    def write(self, kind: str, *, durable: bool = True, **fields: Any) -> None:
        """Append one line; with `durable` have it on disk before returning, else leave that to the next such line.

        Raises:
            StoreError: it cannot be written.
        """
        assert self._file is not None, "use the writer as a context manager"  # noqa: S101 - a programming error
        line = json.dumps({"kind": kind, **fields}, separators=(",", ":")).encode() + b"\n"
        try:
            written = self._file.write(line)
            if durable:
                os.fsync(self._file.fileno())
        except OSError as error:
            raise self._failed(error.strerror or str(error)) from error
        if written != len(line):  # an unbuffered file may take a part of it when the disk is almost full
            raise self._failed("the disk is full")

    def _failed(self, why: str) -> StoreError:
        return StoreError(f"cannot write the journal {self._folder.path}: {why}")

    def _cut_torn_tail(self) -> None:
        """Drop a last line that a killed writer did not finish: the next line must start on its own."""
        assert self._file is not None  # noqa: S101
        self._file.seek(0)
        text = self._file.read()
        whole = text.rfind(b"\n") + 1
        if whole != len(text):
            self._file.truncate(whole)
        self._file.seek(0, os.SEEK_END)


def _wait_for(lock: IO[str]) -> None:
    """Take the lock, waiting a little for ranks that are on their way out.

    Raises:
        BlockingIOError: somebody still holds it.
    """
    deadline = time.monotonic() + _LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_LOCK_POLL_S)
        else:
            return
