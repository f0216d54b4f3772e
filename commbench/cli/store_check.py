"""`commbench store check`: is everything there, and what was written?"""

import click

from commbench.cli.options import store_option


@click.command(name="check")
@store_option
@click.option("--footers", is_flag=True, help="Read footers only: quick, but blind to damaged contents.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def command(store: str, *, footers: bool, as_json: bool) -> int:
    """Check every file of the store against its hash, and that every session is whole.

    Exits with 1 when something is wrong. Changes nothing.
    """
    from commbench.errors import ExitCode
    from commbench.report.upkeep import checkup_json, checkup_text
    from commbench.store.check import check
    from commbench.store.store import Store

    checkup = check(Store.open(store, create=False).medium, contents=not footers)
    click.echo(checkup_json(checkup) if as_json else checkup_text(checkup), nl=as_json)
    return ExitCode.OK if checkup.is_sound else ExitCode.GATE
