"""A training step on a fabric: how long it waits for communication that computing does not hide."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

import numpy as np
import pandas as pd

from commbench.analysis.choice_input import Workload
from commbench.analysis.comparison import Cell
from commbench.statistics.signed_rank import Location, locate, walsh_averages
from commbench.units import format_size

_ALIKE = ("world_size", "nodes", "dtype", "cadence", "launch", "placement")
_US_PER_MS = 1000.0


@dataclass(frozen=True, slots=True)
class Step:
    """One step in milliseconds; `exposed_ms` is the communication that nothing hides."""

    compute_ms: float
    communication_ms: float
    exposed_ms: float

    @property
    def total_ms(self) -> float:
        """Return how long the step takes."""
        return self.compute_ms + self.exposed_ms

    @property
    def lost_share(self) -> float:
        """Return the share of the step in which the GPUs wait."""
        return self.exposed_ms / self.total_ms


def like(rows: pd.DataFrame, cell: Cell, compared: Sequence[str]) -> pd.DataFrame:
    """Return the rows of measurements like a cell, whatever their collective, size, and what is compared on purpose."""
    kept = pd.Series(data=True, index=rows.index)
    for name in (name for name in _ALIKE if name not in compared):
        wanted = getattr(cell, name)
        kept &= rows[name].isna() if wanted is None else rows[name].fillna("" if name == "placement" else 0) == wanted
    return rows[kept]


def step_of(workload: Workload, rows: pd.DataFrame) -> Step | str:
    """Return the step from the mean times of some launches, or what was not measured.

    A message between two measured sizes takes what a line between them says, both in logarithms; beyond them nothing
    is known. Overlap hides `overlap_share` of the communication, and never more than there is computing.
    """
    total_us = 0.0
    for message in workload.messages:
        own = rows[
            (rows["collective"] == message.collective) & (rows["latency_mean_us"] > 0) & (rows["size_bytes"] > 0)
        ]
        times = own.groupby("size_bytes")["latency_mean_us"].median().sort_index()
        wanted = f"{message.collective} of {format_size(message.size_bytes)}"
        if times.empty:
            return f"{wanted} was not measured"
        if not times.index[0] <= message.size_bytes <= times.index[-1]:
            sizes = f"{format_size(int(times.index[0]))} to {format_size(int(times.index[-1]))}"
            return f"{wanted} was not measured, only {sizes}"
        sizes_log, times_log = np.log(times.index.to_numpy(float)), np.log(times.to_numpy(float))
        total_us += message.calls * float(np.exp(np.interp(log(message.size_bytes), sizes_log, times_log)))
    total_ms = total_us / _US_PER_MS
    exposed_ms = max((1 - workload.overlap_share) * total_ms, total_ms - workload.compute_ms)
    return Step(workload.compute_ms, total_ms, exposed_ms)


def gain(workload: Workload, faster: pd.DataFrame, other: pd.DataFrame) -> Location | None:
    """Return ln of how many more steps the one side makes, from pairs of launches; None where none can be made."""
    of_faster, of_other = (_by_block(workload, rows) for rows in (faster, other))
    common = [block for block in of_faster if block in of_other]
    if not common:
        return None
    differences = np.array([log(of_other[block] / of_faster[block]) for block in common])
    return locate(walsh_averages(differences), 0.05)


def _by_block(workload: Workload, rows: pd.DataFrame) -> dict[object, float]:
    steps = {block: step_of(workload, group) for block, group in rows.groupby(["run_id", "block"], dropna=False)}
    return {block: step.total_ms for block, step in steps.items() if isinstance(step, Step)}
