"""The options that say where a night's verdict goes, and the writing of it."""

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commbench.errors import UnfitError

if TYPE_CHECKING:
    from commbench.analysis.nightly.lines import Lines
    from commbench.analysis.nightly.verdict import NightVerdict

SUMMARY = "GITHUB_STEP_SUMMARY"  # GitHub Actions: markdown that is added to this file is shown with the job


@dataclass(frozen=True, slots=True)
class Views:
    """The files that were asked for; None = not asked for."""

    html: str | None = None
    junit: str | None = None
    metrics: str | None = None
    as_json: str | None = None
    webhook: str | None = None
    summary: str | None = None

    def write(self, verdict: "NightVerdict", draw: "Callable[[], Lines]") -> None:
        """Print the verdict, and write every file that was asked for; `draw` is called only if something is drawn.

        Raises:
            UnfitError: a file cannot be written; the verdict was printed before.
        """
        from commbench.report.nightly_json import as_json, webhook
        from commbench.report.nightly_junit import junit
        from commbench.report.nightly_markdown import markdown
        from commbench.report.nightly_table import table

        click.echo(table(verdict), nl=False)
        for path, render in ((self.junit, junit), (self.as_json, as_json), (self.webhook, webhook)):
            if path:
                write_atomically(Path(path), render(verdict))
        if self.html or self.metrics:
            self._draw(draw())
        if summary := self.summary or os.environ.get(SUMMARY):
            _append(Path(summary), markdown(verdict))

    def _draw(self, lines: "Lines") -> None:
        from commbench.report.nightly_metrics import openmetrics
        from commbench.report.nightly_page import page

        if self.html:
            write_atomically(Path(self.html), page(lines))
        if self.metrics:
            write_atomically(Path(self.metrics), openmetrics(lines))


def view_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name files to a command; they arrive as the fields of Views."""
    for option in reversed(
        (
            click.option("--html", type=click.Path(), help="Write the history page: every series with its band."),
            click.option("--junit", type=click.Path(), help="Write JUnit XML, for CI."),
            click.option("--metrics", type=click.Path(), help="Write OpenMetrics text, for node_exporter."),
            click.option("--json", "as_json", type=click.Path(), help="Write the whole verdict as JSON."),
            click.option("--webhook", type=click.Path(), help="Write a chat message as JSON; nothing is sent."),
            click.option("--summary", type=click.Path(), help=f"Add markdown to this file [also: {SUMMARY}]."),
        )
    ):
        command = option(command)
    return command


def write_atomically(path: Path, text: str) -> None:
    """Write a file that readers, such as node_exporter, see whole or not at all.

    Raises:
        UnfitError: it cannot be written.
    """
    try:
        # Hidden and not called *.prom, so that no collector takes the unfinished file.
        handle, unfinished = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".unfinished")
    except OSError as error:
        raise _cannot(path, error) from error
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        Path(unfinished).chmod(0o666 & ~umask)  # mkstemp's own would keep the collector's user out
        Path(unfinished).replace(path)
    except OSError as error:
        with suppress(OSError):
            Path(unfinished).unlink()
        raise _cannot(path, error) from error


def _append(path: Path, text: str) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise _cannot(path, error) from error


def _cannot(path: Path, error: OSError) -> UnfitError:
    return UnfitError(f"cannot write {path}: {error.strerror or error}; name another file")
