"""What the processes of one launch print: appended to a file, and read back even when that file is removed."""

import os
from pathlib import Path


class LaunchLog:
    """The part of a log that belongs to one launch; processes append to `file`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path.open("a+b", buffering=0)
        self._begin = os.fstat(self.file.fileno()).st_size

    def read(self, offset: int = 0) -> bytes:
        """Return what this launch has printed, from an offset on."""
        descriptor = self.file.fileno()
        size = os.fstat(descriptor).st_size
        return os.pread(descriptor, max(size - self._begin - offset, 0), self._begin + offset)

    def close(self) -> None:
        """Close the file; what it holds stays on disk."""
        self.file.close()
