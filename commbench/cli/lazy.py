"""A group of commands that imports a command's file when the command is named, so that --help stays fast."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """A click group whose commands lie in files of their own, each of which has the command as `command`."""

    def __init__(self, *arguments: Any, files: Mapping[str, str], **options: Any) -> None:
        """Take the module below commbench.cli of each command, in the order in which --help names them."""
        super().__init__(*arguments, **options)
        self._files = dict(files)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self._files)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in self._files:
            return None
        command = import_module(f"commbench.cli.{self._files[cmd_name]}").command
        assert isinstance(command, click.Command)  # noqa: S101 - a programming error
        return command
