"""`commbench doctor`: what this machine can measure, what would spoil it, and how to fix it."""

import click

from commbench.cli.options import ranks_option


@click.command(name="doctor")
@ranks_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def command(ranks: int | None, *, as_json: bool) -> int:
    """Say what this machine can measure, what would spoil it, and how to fix it.

    Exits with 3 when something here would make results meaningless.
    """
    from commbench.doctor import report
    from commbench.doctor.examine import examine, worst
    from commbench.doctor.finding import Level
    from commbench.doctor.host import Host, gpu_table
    from commbench.errors import ExitCode

    findings = examine(Host(ranks or 0, gpus=gpu_table()))
    click.echo(report.as_json(findings) if as_json else report.as_text(findings))
    return ExitCode.UNFIT if worst(findings) is Level.FAIL else ExitCode.OK
