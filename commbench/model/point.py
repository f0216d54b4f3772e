"""A point: one tuple of independent variables, measured as a whole."""

from dataclasses import dataclass

STREAMING = "streaming"  # the cadence of calls back to back
HOST_LAUNCH, GRAPH_LAUNCH = "host", "graph"  # each call issued by the host, or replayed from a CUDA graph
AUTO_FABRIC = "auto"  # whatever the backend takes when nobody says
SIMULATED = "simulated"  # the backend name that no report may show as a measurement


@dataclass(frozen=True, slots=True)
class Point:
    """What is measured: everything that was decided before the first call.

    `requested_bytes` is what the suite asked for, `size_bytes` what is moved after nccl-tests' rounding,
    in the meaning nccl-tests gives its `size` column; `count` is its `count` column, in elements.
    `memory_bytes` is what one rank allocates, `estimate_s` what planning thinks the point takes. `launch_index`
    counts repetitions, each with processes and connections of its own: the launch is a random factor of its own.
    `shared_gpu` says that ranks may sit on one GPU and talk through the network stack: it works, it is no number.
    `placement` says which hosts of the allocation take part (`first`, `spread` or `strided`; empty for all of them),
    `block` which launches are made side by side, one for each fabric, so that they meet the same weather.
    `gradients` names the set that a bucketed collective packs, empty for other collectives.
    """

    point_id: int
    collective: str
    requested_bytes: int
    size_bytes: int
    count: int
    dtype: str
    redop: str
    world_size: int
    nodes: int
    in_place: bool
    backend: str
    fabric: str
    cadence: str
    launch: str
    traffic_skew: float
    memory_bytes: int
    estimate_s: float
    skip_reason: str = ""
    launch_index: int = 0
    shared_gpu: bool = False
    placement: str = ""
    block: int = 0
    gradients: str = ""

    @property
    def label(self) -> str:
        """Return a short name for messages: `all_reduce 65536 B float32 on 4 ranks`."""
        placement = "in place" if self.in_place else "out of place"
        gradients = f" of {self.gradients}" if self.gradients else ""
        size = f"{self.requested_bytes} B {self.dtype}"
        return f"{self.collective}{gradients} {size} on {self.world_size} ranks, {placement}"
