"""The `commbench` command: finds the subcommand, and turns errors into messages and exit codes."""

import logging
import sys
from importlib import import_module

import click

from commbench import __version__
from commbench.errors import CommbenchError, ExitCode

# Name -> module; loaded only when asked for, so that --help stays fast.
_COMMANDS = {
    "list": "list_",
    "plan": "plan",
    "run": "run",
    "show": "show",
    "report": "report",
    "export": "export",
    "schema": "schema",
}


class _LazyGroup(click.Group):
    """A group that imports a command's file when the command is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        command = import_module(f"commbench.cli.{_COMMANDS[cmd_name]}").command
        assert isinstance(command, click.Command)  # noqa: S101 - a programming error
        return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
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
    except BrokenPipeError:  # the reader of our output, such as `head`, has seen enough
        sys.stderr.close()
        code = ExitCode.OK
    sys.exit(code or ExitCode.OK)
