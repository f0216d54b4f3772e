"""What an importer found: plain facts, before they become rows of the store."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

NCCL_TESTS, OSU, PARAM, NCCL_LOG = "nccl-tests", "osu", "param", "nccl-log"
OK, WRONG = "ok", "wrong_result"
COMPLETE, FAILED, KILLED = "complete", "failed", "killed"  # and WRONG: the store's exit states


@dataclass(frozen=True, slots=True)
class Hints:
    """What the user knows and the text may not say; None where it is left to the text."""

    world_size: int | None = None
    nodes: int | None = None
    collective: str | None = None
    file_name: str = ""
    of_run: str = ""  # the run in the store that a debug log is evidence for


@dataclass(frozen=True, slots=True)
class Printed:
    """What the tool printed as its result of one point; GB/s are 10^9 bytes per second.

    `digits` counts the significant digits of the time.
    """

    time_us: float | None
    algbw_gb_s: float | None = None
    busbw_gb_s: float | None = None
    digits: int | None = None


@dataclass(frozen=True, slots=True)
class ParsedPoint:
    """One point: the store's names and units; `times` has columns of the store whose definitions are met.

    `variant` tells apart what the independent variables do not, such as the list and the single form of a call.
    """

    collective: str
    size_bytes: int
    requested_bytes: int
    count: int | None
    dtype: str
    redop: str
    in_place: bool
    printed: Printed
    times: Mapping[str, float]
    iterations: int | None
    status: str = OK
    error: str = ""
    wrong_count: int | None = None
    variant: str = ""
    extra: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ParsedHost:
    """One host as the text names it: its ranks, and the name of each rank's GPU."""

    hostname: str
    ranks: tuple[int, ...]
    gpus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedRun:
    """One run of a tool. `text` is what its digest is taken of; `extra` is for whatever has no column."""

    source: str
    text: str
    points: tuple[ParsedPoint, ...]
    world_size: int
    nodes: int | None
    hosts: tuple[ParsedHost, ...]
    backend: str
    cadence: str
    launch: str
    exit_state: str
    reason: str
    points_planned: int
    warmup_iterations: int | None = None
    nccl_version: str = ""
    shared_gpu: bool = False
    started_at: datetime | None = None
    ended_at: datetime | None = None
    extra: Mapping[str, object] = field(default_factory=dict)
