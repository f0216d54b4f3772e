"""Open a store to read from; right after cloning, the reference results stand in for the ones not yet measured."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from commbench.cli.options import DEFAULT_STORE

if TYPE_CHECKING:
    from commbench.store.store import Store

_REFERENCE = Path(DEFAULT_STORE) / "reference"


def open_for_reading(store: str) -> "Store":
    """Return the store, or the reference results where the default store holds no run yet.

    Raises:
        StoreError: there is no such store, or it cannot be read.
    """
    from commbench.store.store import Store

    is_default = Path(store) == Path(DEFAULT_STORE)
    if is_default and _REFERENCE.is_dir() and not (Path(store) / "runs").is_dir():
        click.echo(f"note: {store} holds no run yet; these are the reference results in {_REFERENCE}", err=True)
        return Store.open(_REFERENCE, create=False)
    return Store.open(store, create=False)
