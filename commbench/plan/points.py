"""Make the points of a plan one by one: geometry, cost, and why a point is skipped."""

from dataclasses import dataclass

from commbench.collectives import Collective
from commbench.collectives.base import ALIGNMENT_BYTES, Geometry
from commbench.model.dtype import ALL_DTYPES
from commbench.model.plan import Protocol
from commbench.model.point import AUTO_FABRIC, Point
from commbench.plan.cost import memory_bytes, point_s
from commbench.units import format_size

MEMORY_SHARE = 0.8  # of what is available; the rest is for the ranks themselves and for everything else on the host


@dataclass(frozen=True, slots=True)
class Variables:
    """What the suite chooses about a point."""

    collective: Collective
    requested_bytes: int
    dtype: str
    redop: str
    world_size: int
    in_place: bool
    cadence: str
    launch: str
    traffic_skew: float
    nodes: int = 1
    placement: str = ""
    gradients: str = ""


@dataclass(frozen=True, slots=True)
class LaunchOf:
    """The launch that a point belongs to: its number, its block, and the fabric that it uses."""

    index: int = 0
    block: int = 0
    fabric: str = AUTO_FABRIC


_ONLY_LAUNCH = LaunchOf()


class PointMaker:
    """Makes points in their order and remembers them, so that no work is planned twice."""

    def __init__(
        self, backend: str, protocol: Protocol, memory_bytes_available: int | None, *, shared_gpu: bool = False
    ) -> None:
        self._backend = backend
        self._shared_gpu = shared_gpu
        self._protocol = protocol
        self._memory_bytes_available = memory_bytes_available
        self._made = 0
        self._first_with: dict[tuple[object, ...], int] = {}

    def make(self, variables: Variables, launch: LaunchOf = _ONLY_LAUNCH) -> Point:
        """Return the next point, with a skip_reason if it cannot or need not be measured."""
        collective, dtype = variables.collective, ALL_DTYPES[variables.dtype]
        geometry = collective.geometry(
            variables.requested_bytes, dtype.size_bytes, variables.world_size, variables.traffic_skew
        )
        memory = memory_bytes(collective, geometry, in_place=variables.in_place)
        skip_reason = (
            _impossible(variables)
            or _rounds_to_nothing(variables, geometry)
            or self._repeated(variables, geometry, launch)
            or self._too_large(variables, memory)
        )
        point = Point(
            point_id=self._made,
            collective=collective.name,
            requested_bytes=variables.requested_bytes,
            size_bytes=geometry.size_bytes,
            count=geometry.count,
            dtype=variables.dtype,
            redop=variables.redop,
            world_size=variables.world_size,
            nodes=variables.nodes,
            in_place=variables.in_place,
            backend=self._backend,
            fabric=launch.fabric,
            cadence=variables.cadence,
            launch=variables.launch,
            traffic_skew=variables.traffic_skew,
            memory_bytes=memory,
            estimate_s=0.0 if skip_reason else point_s(collective, geometry, self._backend, self._protocol),
            skip_reason=skip_reason,
            launch_index=launch.index,
            shared_gpu=self._shared_gpu,
            placement=variables.placement,
            block=launch.block,
            gradients=variables.gradients,
        )
        self._made += 1
        return point

    def _repeated(self, variables: Variables, geometry: Geometry, launch: LaunchOf) -> str:
        others = (
            launch.index,
            variables.collective.name,
            variables.dtype,
            variables.redop,
            variables.world_size,
            variables.in_place,
            variables.cadence,
            variables.launch,
            variables.traffic_skew,
            variables.nodes,
            variables.placement,
            variables.gradients,
        )
        first = self._first_with.setdefault((*others, geometry.size_bytes), self._made)
        return "" if first == self._made else f"same {format_size(geometry.size_bytes)} as point {first} after rounding"

    def _too_large(self, variables: Variables, memory: int) -> str:
        available = self._memory_bytes_available
        on_each = -(-variables.world_size // variables.nodes)
        needed = memory * on_each
        if available is None or needed <= available * MEMORY_SHARE:
            return ""
        return (
            f"{on_each} ranks need {format_size(needed)}, more than {MEMORY_SHARE:.0%} of the "
            f"{format_size(available)} available on this host"
        )


def _impossible(variables: Variables) -> str:
    collective = variables.collective
    if variables.world_size < collective.min_ranks:
        return f"{collective.name} needs {collective.min_ranks} ranks or more"
    if variables.dtype not in collective.dtypes:
        return f"{collective.name} cannot carry {variables.dtype}, only {', '.join(collective.dtypes)}"
    if variables.in_place not in collective.placements:
        return f"torch.distributed has no {'in-place' if variables.in_place else 'out-of-place'} {collective.name}"
    return ""


def _rounds_to_nothing(variables: Variables, geometry: Geometry) -> str:
    if geometry.size_bytes:
        return ""
    requested, ranks = format_size(variables.requested_bytes), variables.world_size
    element_bytes = geometry.element_bytes
    # A collective either takes a whole message of one element, or splits it into aligned parts.
    per_rank = max(element_bytes, ALIGNMENT_BYTES)
    whole = variables.collective.geometry(element_bytes, element_bytes, ranks, variables.traffic_skew)
    if whole.size_bytes:
        return f"{requested} is less than one {variables.dtype}; the smallest size is {format_size(element_bytes)}"
    return (
        f"{requested} over {ranks} ranks rounds to 0 B per rank (nccl-tests rounds down to {per_rank} B); "
        f"the smallest size is {format_size(per_rank * ranks)}"
    )
