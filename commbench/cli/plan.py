"""`commbench plan`: every point of a suite, with its cost; runs nothing."""

import click

from commbench.cli.options import fabrics_option, ranks_option, split_names


@click.command(name="plan")
@click.argument("suite")
@ranks_option
@click.option("--nodes", type=click.IntRange(min=1), help="Hosts that the ranks would be on [as the suite names].")
@fabrics_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def command(suite: str, ranks: int | None, nodes: int | None, fabrics: str, *, as_json: bool) -> None:
    """List every point of SUITE with bytes, memory and estimated time. Runs nothing."""
    from commbench.journal.plan_json import to_json
    from commbench.plan.capacity import check
    from commbench.plan.expand import expand
    from commbench.plan.load import load
    from commbench.report.listing import plan_table

    plan = expand(load(suite), world_size=ranks, nodes=nodes, fabrics=split_names(fabrics))
    if plan.nodes == 1:
        check(plan)
    click.echo(to_json(plan) if as_json else plan_table(plan), nl=False)
