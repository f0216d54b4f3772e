"""`commbench doctor`: what this machine can measure, what would spoil it, and how to fix it."""

from pathlib import Path

import click

from commbench.cli.options import ranks_option, sysfs_option


@click.command(name="doctor")
@ranks_option
@sysfs_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def command(ranks: int | None, sysfs: Path | None, *, as_json: bool) -> int:
    """Say what this machine can measure, what would spoil it, and how to fix it.

    Exits with 3 when something here would make results meaningless. With --sysfs only the interconnect of that tree is
    looked at, such as one copied from another machine.
    """
    from commbench.doctor import report
    from commbench.doctor.examine import FABRIC_CHECKS, examine, worst
    from commbench.doctor.finding import Level
    from commbench.doctor.host import Host, ask_tool, gpu_table
    from commbench.errors import ExitCode
    from commbench.fabric.discover import discover

    if sysfs is None:
        findings = examine(Host(ranks or 0, gpus=gpu_table(), devices=discover(), ask=ask_tool))
    else:
        proc, dev = (sysfs.parent / name for name in ("proc", "dev"))
        findings = examine(Host(0, proc, sysfs, dev, environ={}, devices=discover(sysfs)), FABRIC_CHECKS)
    click.echo(report.as_json(findings) if as_json else report.as_text(findings))
    return ExitCode.UNFIT if worst(findings) is Level.FAIL else ExitCode.OK
