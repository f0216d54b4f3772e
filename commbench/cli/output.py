"""Write what a command produces to a file or to standard output."""

from pathlib import Path

import click

from commbench.errors import UnfitError


def write_text(text: str, output: str) -> None:
    """Write text to a file, or to standard output for `-`.

    Raises:
        UnfitError: the file cannot be written.
    """
    if output == "-":
        click.echo(text, nl=not text.endswith("\n"))
        return
    try:
        Path(output).write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
    except OSError as error:
        raise UnfitError(f"cannot write {output}: {error.strerror or error}; choose another --output") from error
