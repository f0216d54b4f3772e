"""Standard error, shared by processes and signal handlers: nobody's words break in the middle of another's line."""

import os
import sys

_STDERR = 2


def tell(text: str) -> None:
    """Write whole lines to standard error in one call.

    Python writes a line and its end apart, and a traceback in many pieces: of ranks that fail at the same moment
    neither could be read. The kernel keeps one call in one piece, in a file opened for appending and, up to 4096
    bytes, in a pipe (write(2), pipe(7)).
    """
    sys.stderr.flush()
    tell_at_once(text)


def tell_at_once(text: str) -> None:
    """Write whole lines past Python's buffers: a signal handler may have come in the middle of their own work."""
    left = f"{text}\n".encode(errors="backslashreplace")
    while left:
        left = left[os.write(_STDERR, left) :]
