"""`commbench store`: look after the store of all results."""

import click

from commbench.cli.lazy import LazyGroup

# Name -> module; loaded only when asked for, so that --help stays fast.
_COMMANDS: dict[str, str] = {
    "check": "store_check",
    "stats": "store_stats",
    "compact": "store_compact",
    "prune": "store_prune",
    "push": "store_push",
}


@click.group(name="store", cls=LazyGroup, files=_COMMANDS)
def command() -> None:
    """Check the store, and keep it fast and small."""
