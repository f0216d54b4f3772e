"""Text that parquet can hold."""


def storable(text: str) -> str:
    """Return the text as Unicode: stray bytes, as in a file name on a command line, become backslashes and digits."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()
