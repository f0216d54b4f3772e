"""What one case of the benchmark gave: a competitor, its work, how it ended and how long it took."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

from commbench.bucketing.bench.oracle import Check
from commbench.bucketing.bench.work import Work
from commbench.model.result import Status


@dataclass(frozen=True, slots=True)
class Times:
    """Times of one case in ns: `cold_ns` and `warm_ns` of single calls, `graph_ns` means over one replay each.

    What could not be timed is empty; `no_graph` then says why. `waits_for_host` says that single calls have so many
    launches that the device waits for the host between them: there only replays say what the device needs.
    """

    cold_ns: tuple[int, ...]
    warm_ns: tuple[int, ...]
    graph_ns: tuple[int, ...] = ()
    host_ns: tuple[int, ...] = ()
    prepare_ns: int = 0
    no_graph: str = ""
    waits_for_host: bool = False

    @property
    def cold_median_ns(self) -> float:
        """Return the median time of a cold call."""
        return median(self.cold_ns)


@dataclass(frozen=True, slots=True)
class Case:
    """One competitor at one work. `times` are there only when every checked result was right."""

    competitor: str
    is_reimplemented: bool
    work: Work
    status: Status
    started_at_ns: int
    error: str = ""
    check: Check | None = None
    times: Times | None = None
    launches: int | None = None
    tuning: Mapping[str, int | bool] = field(default_factory=dict)

    @property
    def bandwidth_gb_s(self) -> float | None:
        """Return the work's least traffic over the median cold time, None when it was not timed."""
        return None if self.times is None else self.work.moved_bytes / max(self.times.cold_median_ns, 1.0)
