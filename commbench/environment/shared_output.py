"""Standard error that many processes share: what one of them says must not break in the middle of another's line."""

import os
import sys


def tell(text: str) -> None:
    """Write whole lines to standard error in one call.

    Python writes a line and its end apart, and a traceback in many pieces: of ranks that fail at the same moment
    neither could be read. The kernel keeps one call in one piece, in a file opened for appending and, up to 4096
    bytes, in a pipe (write(2), pipe(7)).
    """
    sys.stderr.flush()
    left = f"{text}\n".encode(errors="backslashreplace")
    while left:
        left = left[os.write(sys.stderr.fileno(), left) :]
