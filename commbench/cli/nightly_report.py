"""Write a verdict down, and show it."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from commbench.analysis.nightly.events import is_recorded, rows
from commbench.cli.nightly_archive import Archive, exit_code
from commbench.errors import ExitCode, StoreError

if TYPE_CHECKING:
    from commbench.analysis.nightly.verdict import NightVerdict
    from commbench.cli.nightly_views import Views
    from commbench.store.store import Store


def report(
    store: "Store", archive: Archive, verdict: "NightVerdict", views: "Views", *, is_newest: bool = True
) -> ExitCode:
    """Write the verdict down, unless that is done already or a later night was judged; show it, return its code."""
    if is_newest and not is_recorded(verdict, archive.incidents):
        _record(store, verdict)
    views.write(verdict, lambda: archive.draw(verdict))
    return exit_code(verdict, archive)


def _record(store: "Store", verdict: "NightVerdict") -> None:
    at = datetime.now(UTC)
    try:
        store.append_rows(
            "incidents", rows(verdict, at), f"verdict-{at:%Y%m%d-%H%M%S-%f}", int(at.timestamp() * 1e6) * 1_000
        )
    except StoreError as error:  # the verdict stands, and is worth more than its row
        click.echo(f"commbench: the verdict is not written down: {error}", err=True)
