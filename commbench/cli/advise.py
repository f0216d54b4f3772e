"""Say why a run's numbers are unstable, if they are, and what to do next: on stderr, beside the results."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    import pandas as pd


def advise(points: "pd.DataFrame", runs: "pd.DataFrame") -> None:
    """Print a sentence for everything that disturbed a run; nothing when it was sound.

    `points` is one row per series, as analysis.launches.across_launches gives; `runs` the run's sessions.
    """
    from commbench.analysis.stability import stability
    from commbench.doctor.advice import explain
    from commbench.environment.noise import Noise

    found = stability(points, runs)
    sentences = explain(
        Noise(found.others_share, found.steal_share, found.throttled_s),
        converged=found.converged,
        ranks_per_core=found.ranks_per_core,
        launch_spread=found.launch_spread,
        is_steady=found.is_steady,
        lacks_launches=found.lacks_launches,
    )
    for sentence in sentences:
        click.echo(f"note: {sentence}", err=True)
