"""Nights of the simulated fabric, one command each: what `python nights.py FIRST LAST` runs in a process of its own."""

import sys
from pathlib import Path

from commbench.cli.main import main

SUITE = """\
[suite]
name = "night"
cluster = "lab"
seed = {night}
[sweep]
collectives = ["all_reduce"]
sizes = ["64KiB", "1MiB"]
ranks = [4]
backend = "simulated"
fabrics = ["ib", "roce"]
[measure]
iterations = 20
[fabrics.ib]
kind = "infiniband"
time_factor = {factor}
[simulated]
launch_sigma = 0.005
"""
SERIES = 4


def label(night: int) -> str:
    return f"2026-01-{night:02d}"


def write_suite(folder: Path, night: int, factor: float = 1.0) -> None:
    """Write the suite of a night, whose ib takes `factor` times as long; noise is drawn anew each night."""
    (folder / "night.toml").write_text(SUITE.format(night=night, factor=factor))


if __name__ == "__main__":
    codes = []
    for night in range(int(sys.argv[1]), int(sys.argv[2]) + 1):
        write_suite(Path(), night)
        try:
            main(["nightly", "./night.toml", "--night", label(night)])
        except SystemExit as end:
            codes.append(int(end.code or 0))
    print("codes", *codes)
