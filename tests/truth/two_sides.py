"""Two sides of a comparison whose true ratio is known: rows as the store would give them, without a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from commbench.analysis.compare import COLUMNS, Selected

Floats = NDArray[np.float64]
NO_RUNS = pd.DataFrame({"run_id": [], "environment_json": []})
_START = pd.Timestamp("2026-01-01T00:00:00Z")
_PLAIN = {
    "run_id": "r",
    "session": 0,
    "attempt": 0,
    "status": "ok",
    "is_simulated": False,
    "source": "commbench",
    "shared_gpu": False,
    "fabric_verdict": "proven",
    "fabric_reason": "",
    "dtype": "float32",
    "redop": "sum",
    "world_size": 16,
    "nodes": 2,
    "in_place": True,
    "cadence": "isolated",
    "launch": "host",
    "traffic_skew": 0.0,
    "placement": "",
    "gradients": "",
    "backend": "nccl",
    "cluster": "lab",
    "iterations": 500,
}
SIZES = tuple(4**power for power in range(4, 14))
COLLECTIVES = ("all_reduce", "all_gather", "all_to_all", "reduce_scatter")


@dataclass(frozen=True)
class Noise:
    """Sigmas of ln(time): of a cell in a launch, of all cells of a launch, and of a block; and drift per block."""

    cell: float = 0.01
    launch: float = 0.005
    block: float = 0.05
    drift: float = 0.01

    def draw(self, generator: np.random.Generator, cells: int, blocks: int) -> Floats:
        """Return ln(time) of each launch, shape (blocks, 2 sides, cells): launches go A B, B A, A B ..."""
        own = generator.normal(0, self.cell, (blocks, 2, cells)) + generator.normal(0, self.launch, (blocks, 2, 1))
        weather = generator.normal(0, self.block, (blocks, 1, 1))
        order = np.array([[0, 1], [1, 0]])[np.arange(blocks) % 2]
        when = (np.arange(blocks)[:, None] * 2 + order)[:, :, None]
        log_times: Floats = own + weather + self.drift * when / 2
        return log_times


def sides(log_times: Floats, ratio: float = 1.0, **changes: Any) -> tuple[Selected, Selected]:
    """Return both sides of launches' times, shape (blocks, 2, cells); B takes `ratio` times as long as A."""
    blocks, _, cells = log_times.shape
    start = 10 * np.exp(log_times)
    return (
        side("a", start[:, 0], **changes),
        side("b", ratio * start[:, 1], point_from=blocks * cells, **changes),
    )


def side(fabric: str, times_us: Floats, *, point_from: int = 0, **changes: Any) -> Selected:
    """Return one side; `times_us` are p50s, shape (blocks, cells), p99 and worst case twice and three times that."""
    blocks, cells = times_us.shape
    block = np.repeat(np.arange(blocks), cells)
    cell = np.tile(np.arange(cells), blocks)
    columns: dict[str, object] = {
        **dict.fromkeys(COLUMNS),
        **_PLAIN,
        "fabric": fabric,
        "point_id": point_from + np.arange(blocks * cells),
        "block": block,
        "launch_index": 2 * block + (fabric == "b"),
        "started_at": _START + pd.to_timedelta(block, unit="min"),
        "collective": _of(COLLECTIVES, cell // len(SIZES)),
        "size_bytes": _of(SIZES, cell % len(SIZES)),
        "latency_p50_us": times_us.ravel(),
        "latency_p99_us": 2 * times_us.ravel(),
        "latency_max_us": 3 * times_us.ravel(),
        "busbw_gb_s": 1 / times_us.ravel(),
    }
    frame = pd.DataFrame({**columns, **changes}, index=range(blocks * cells))
    return Selected(fabric, f"fabric={fabric}", frame, NO_RUNS)


def _of(values: Sequence[object], places: NDArray[np.int64]) -> list[object]:
    return [values[place] for place in places]
