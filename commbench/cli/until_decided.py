"""Blocks until decided, as `commbench run` asks for them: is more wanted, and what was found in the end."""

from typing import TYPE_CHECKING

import click

from commbench.analysis.compare import RUN_COLUMNS
from commbench.analysis.decision import compare_fabrics, more_blocks
from commbench.analysis.launches import needed
from commbench.errors import GateError, UsageError
from commbench.launch.blocks import Wish
from commbench.report.compare_table import table
from commbench.store.ready import as_table
from commbench.store.rows import point_rows
from commbench.store.store import Store

if TYPE_CHECKING:
    from commbench.journal.read import Journal
    from commbench.model.plan import Plan


def wants_more(journal: "Journal") -> Wish:
    """Return how many more blocks the comparison of a run's fabrics needs, from what its journal holds."""
    plan = journal.plan
    rows = [row for session in range(len(journal.sessions)) for row in point_rows(journal.record(session))]
    points = Store.latest_attempts(as_table("points", rows).to_pandas())
    try:
        found = compare_fabrics(points, [fabric.name for fabric in plan.fabrics], plan.protocol.decide_share)
    except (GateError, UsageError) as error:  # more of the same cannot be compared either
        return Wish(0, f"nothing can be decided ({error})")
    more = more_blocks(found)
    return Wish(more, "" if more else "all medians are decided")


def print_comparison(store: Store, run_id: str, plan: "Plan") -> None:
    """Print what a run that was to decide found; why nothing can be compared goes to standard error."""
    points = needed(Store.latest_attempts(store.points(run_id)))
    runs = store.runs(run_id, columns=RUN_COLUMNS)
    names = [fabric.name for fabric in plan.fabrics]
    try:
        found = compare_fabrics(points, names, plan.protocol.decide_share, runs)
    except (GateError, UsageError) as error:
        click.echo(f"commbench: no comparison: {error}", err=True)
        return
    for comparison in found:
        click.echo(table(comparison), nl=False)
