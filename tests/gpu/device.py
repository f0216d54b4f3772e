"""A collective of known length: `torch.cuda._sleep`, timed as commbench times every call."""

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import torch

from commbench.backend import BoundPoint, Clock, Group
from commbench.backend.cuda_clock import CudaEventClock
from commbench.environment.schedstat import RunQueueWait
from commbench.measure.cadence import CADENCES, Cadence
from commbench.measure.progress import ProgressBoard
from commbench.measure.visit import Visitor
from commbench.model.plan import Plan
from commbench.model.point import Point
from commbench.model.result import Correctness, Samples
from commbench.plan.expand import expand
from commbench.plan.load import load
from commbench.units import NS_PER_US

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_CALIBRATION_CYCLES = 20_000_000  # some 10 ms on a GPU of 2 GHz: the ends cost nothing beside it

SUITE = """
[suite]
name = "small"
[sweep]
backend = "nccl"
collectives = ["all_reduce", "all_gather", "reduce_scatter"]
{sweep}
[measure]
iterations = 20
warmup_iterations = 2
{measure}
"""


class OneGpu(Group):
    """One rank that meets nobody: a barrier is an idle device, after which the host may dawdle."""

    rank, world_size = 0, 1

    def __init__(self, dawdle_us: float = 0.0) -> None:
        self._dawdle_us = dawdle_us

    def bind(self, point: Point) -> BoundPoint:
        raise NotImplementedError

    def barrier(self) -> None:
        torch.cuda.synchronize()
        spin(self._dawdle_us)

    def gather_samples(self, samples: Samples) -> Samples | None:
        return samples

    def gather_correctness(self, verdict: Correctness) -> Correctness:
        return verdict

    def gather_texts(self, text: str) -> Sequence[str]:
        return [text]

    def share(self, number: int) -> int:
        return number

    def largest(self, number: int) -> int:
        return number


class SleepPoint(BoundPoint):
    """A call that keeps the GPU busy for some cycles; the host may be slow to launch it."""

    def __init__(self, cycles: int, launch_delay_us: float = 0.0) -> None:
        self._cycles, self._launch_delay_us = cycles, launch_delay_us
        self.call = self._late if launch_delay_us else lambda: sleep(cycles)

    def prepare(self, salt: int) -> None:
        """There is no data."""

    def check(self, salt: int) -> Correctness:
        return Correctness()

    def _late(self) -> None:
        spin(self._launch_delay_us)
        sleep(self._cycles)


@dataclass
class PreQueued:
    """All calls of a visit are enqueued before the first one starts: a long sleep goes ahead of them."""

    ahead_cycles: int
    name: str = "pre-queued"

    def before_call(self, group: Group) -> Callable[[], object] | None:
        return None

    def before_visit(self, group: Group) -> None:
        torch.cuda.synchronize()
        sleep(self.ahead_cycles)


def visitor(group: Group, cadence: Cadence = CADENCES["isolated"], clock: Clock | None = None) -> Visitor:
    return Visitor(group, clock or CudaEventClock(), cadence, ProgressBoard(None, 0), RunQueueWait())


def times_us(point: BoundPoint, calls: int, by: Visitor) -> "NDArray[np.float64]":
    """Return what each call is measured as, in microseconds, after two that are not."""
    by.untimed(point, 2)
    samples, _ = by.visit(point, calls)
    times: NDArray[np.float64] = samples.rank_time_ns[0] / NS_PER_US
    return times


def sleep(cycles: int) -> None:
    """Keep the GPU busy for some of its clock's cycles, behind what it has been given before."""
    torch.cuda._sleep(cycles)  # type: ignore[no-untyped-call] # torch


def cycles_of(duration_us: float) -> int:
    """Return the cycles that `_sleep` takes for a time, as the host's clock sees it."""
    rate = _CALIBRATION_CYCLES / host_time_us(_CALIBRATION_CYCLES)
    return round(rate * duration_us)


def host_time_us(cycles: int) -> float:
    """Return the time of a sleep by the host's clock, from launch to idle device."""
    torch.cuda.synchronize()
    start = time.perf_counter_ns()
    sleep(cycles)
    torch.cuda.synchronize()
    return (time.perf_counter_ns() - start) / NS_PER_US


def use_gpu(seconds: float) -> None:
    """Keep the GPU busy, so that its clock is up before anything is timed."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sleep(_CALIBRATION_CYCLES)
        torch.cuda.synchronize()


def spin(duration_us: float) -> None:
    """Keep the host busy: a sleeping thread would come back whenever the scheduler likes."""
    end = time.perf_counter_ns() + duration_us * NS_PER_US
    while time.perf_counter_ns() < end:
        pass


@dataclass(frozen=True)
class Suites:
    """Small NCCL suites, planned here or run through the command line."""

    folder: Path

    @property
    def store(self) -> Path:
        return self.folder / "store"

    def plan(self, sweep: str, measure: str = "") -> Plan:
        return expand(load(str(self._write(sweep, measure))))

    def run(self, sweep: str, measure: str = "") -> "subprocess.CompletedProcess[str]":
        suite = self._write(sweep, measure)
        command = [sys.executable, "-m", "commbench", "run", str(suite), "--store", str(self.store)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def points(self) -> pd.DataFrame:
        return pd.read_parquet(self.store / "points")

    def _write(self, sweep: str, measure: str) -> Path:
        path = self.folder / "small.toml"
        path.write_text(SUITE.format(sweep=sweep, measure=measure))
        return path
