"""The `commbench` command: finds the subcommand, and turns errors into messages and exit codes."""

import logging
import os
import sys
import traceback
from typing import Any

import click

from commbench import __version__
from commbench.cli.lazy import LazyGroup
from commbench.errors import CommbenchError, ExitCode

# Name -> module; loaded only when asked for, so that --help stays fast.
_COMMANDS = {
    "doctor": "doctor",
    "list": "list_",
    "plan": "plan",
    "run": "run",
    "locate": "locate",
    "kernel": "kernel",
    "show": "show",
    "compare": "compare",
    "choose": "choose",
    "nightly": "nightly",
    "regress": "regress",
    "accept": "accept",
    "mute": "mute",
    "selftest": "selftest",
    "history": "history",
    "report": "report",
    "export": "export",
    "import": "import_",
    "schema": "schema",
    "store": "store_",
}


class _Main(LazyGroup):
    """The whole command line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a reader of our output that has seen enough, such as `head`, is no error.

        Left to itself, click exits with 1, which here means that a gate said no.
        """
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            # What is still in a buffer must not fail again when Python flushes it at the end.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            for stream in (sys.stdout, sys.stderr):
                os.dup2(nowhere, stream.fileno())
            return ExitCode.INTERRUPTED if ctx.invoked_subcommand == "run" else ExitCode.OK


@click.group(cls=_Main, files=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="commbench")
def cli() -> None:
    """Benchmark collective communication: sweep, compare, and keep every result.

    Start with `commbench run smoke`, then `commbench show` and `commbench report`.
    """


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with one of the codes in commbench.errors.ExitCode."""
    # Warnings of the layers below, such as a damaged file that the store skipped, belong on stderr.
    logging.basicConfig(format="commbench: %(message)s", level=logging.WARNING)
    try:
        code = cli.main(arguments, prog_name="commbench", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = ExitCode.USAGE
    except click.Abort:
        click.echo("commbench: interrupted", err=True)
        code = ExitCode.INTERRUPTED
    except CommbenchError as error:
        click.echo(f"commbench: {error}", err=True)
        code = error.exit_code
    except Exception:  # noqa: BLE001 - a bug of ours must not exit with Python's 1, which means that a gate said no
        traceback.print_exc()
        click.echo("commbench: this is a bug in commbench; please report it with the lines above", err=True)
        code = ExitCode.UNFIT
    sys.exit(code or ExitCode.OK)
