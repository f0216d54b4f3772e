"""`commbench import`: other tools' results into the store."""

from pathlib import Path

import click

from commbench.cli.options import store_option
from commbench.errors import ExitCode


@click.command(name="import")
@click.argument("files", nargs=-1, required=True, type=click.Path())
@store_option
@click.option("--cluster", default="", help="Machine or cluster that the results come from.")
@click.option("--ranks", type=click.IntRange(min=1), help="Ranks that took part, where the file does not say.")
@click.option("--nodes", type=click.IntRange(min=1), help="Hosts that took part, where the file does not say.")
@click.option("--collective", help="Collective, where the file does not say.")
@click.option("--run", "of_run", help="Run in the store that FILES, debug logs of NCCL, are evidence for.")
def command(
    files: tuple[str, ...],
    store: str,
    *,
    cluster: str,
    ranks: int | None,
    nodes: int | None,
    collective: str | None,
    of_run: str | None,
) -> int:
    """Bring in FILES (or all files below a folder) of nccl-tests (text, JSON), OSU micro-benchmarks, PARAM or NCCL.

    A run that is in the store already is left as it is. Imported rows say so wherever they are shown.
    """
    from commbench.errors import UsageError
    from commbench.importers.names import PROGRAMS
    from commbench.importers.parsed import Hints
    from commbench.importers.publish import files_below, import_file
    from commbench.report.words import one_line
    from commbench.store.store import Store

    if collective is not None and collective not in PROGRAMS.values():
        raise UsageError(f"no collective {collective!r}; there are {', '.join(PROGRAMS.values())}")
    opened = Store.open(store, create=True)
    evidence_for = opened.resolve_run(of_run) if of_run else ""
    refused = False
    for file in [each for name in files for each in files_below(Path(name))]:
        try:
            hints = Hints(ranks, nodes, collective, file.name, evidence_for)
            for run in import_file(opened, file, hints, cluster):
                words = "imported" if run.is_new else "was there already:"
                state = run.exit_state.replace("_", " ") + (f": {one_line(run.reason)}" if run.reason else "")
                click.echo(f"{file}: {words} {run.run_id}, {run.points} points of {run.source}, {state}")
        except UsageError as error:
            click.echo(f"commbench: {file}: {error}", err=True)
            refused = True
    return ExitCode.USAGE if refused else ExitCode.OK
