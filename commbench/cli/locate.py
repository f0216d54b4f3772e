"""`commbench locate`: which host or which link is slow."""

import os
from dataclasses import replace

import click

from commbench.cli.launcher import HostOptions, become_rank, choose, host_options, part_of
from commbench.cli.options import fabrics_option, split_names, store_option
from commbench.errors import ExitCode


@click.command(name="locate")
@host_options
@store_option
@fabrics_option
@click.option("--suite", help="Take fabrics, backend and seed of this suite.")
@click.option("--size", help="Bytes of each flow, such as 16MiB [4MiB with gloo, 64MiB with nccl].")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def command(
    *,
    where: HostOptions,
    store: str,
    fabrics: str,
    suite: str | None,
    size: str | None,
    as_json: bool,
) -> ExitCode:
    """Say which host sends or receives slowly, or which link between two sound hosts is slow.

    Starts one rank on each of --hosts (or as `commbench run` does) that send to each other, all at once; suspects are
    tried again alone with sound partners. Exits with 1 when something is slow. The store only lends its folder to the
    ranks: nothing is stored.
    """
    place = part_of(os.environ)
    if place is not None and place.rank > 0:
        become_rank()
    from commbench.cli.searching import Searcher
    from commbench.plan.load import load
    from commbench.units import parse_size

    loaded = load(suite) if suite else None
    if where.hosts and where.ranks is None and where.ranks_per_host is None:
        where = replace(where, ranks_per_host=1)
    launcher = choose(where, os.environ, loaded.suite.sweep.backend if loaded else "auto")
    searcher = Searcher(store, launcher, loaded, parse_size(size) if size else None)
    return searcher.search(split_names(fabrics), as_json=as_json)
