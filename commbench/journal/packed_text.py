"""Long texts as short words in a line of the journal."""

import base64
import zlib


def packed(text: str) -> str:
    """Return a log as a short word for the journal."""
    return base64.b64encode(zlib.compress(text.encode())).decode()


def unpacked(word: str) -> str:
    """Return the log that `packed` packed."""
    return zlib.decompress(base64.b64decode(word)).decode()
