"""What a collective's row says of one point: its layout, and the bandwidths of a time."""

from commbench.collectives import get
from commbench.collectives.base import Geometry
from commbench.model.bandwidth import algbw_gb_s, busbw_gb_s
from commbench.model.dtype import ALL_DTYPES
from commbench.model.point import Point


def geometry_of(point: Point) -> Geometry:
    """Return how a point's calls lay their elements out over ranks."""
    element_bytes = ALL_DTYPES[point.dtype].size_bytes
    return get(point.collective).geometry(point.requested_bytes, element_bytes, point.world_size, point.traffic_skew)


def host_bytes_of(point: Point) -> float:
    """Return the least bytes that every host moves over the network in one of the point's calls; 0 on one host."""
    return get(point.collective).host_bytes(geometry_of(point), point.nodes)


def bandwidths_of(point: Point, time_ns: float) -> tuple[float | None, float | None]:
    """Return algbw and busbw in GB/s of a call of that time; None when it took less than a step of the timer."""
    if time_ns <= 0:
        return None, None
    collective = get(point.collective)
    moved_bytes = collective.bandwidth_bytes(geometry_of(point))
    bus_factor = collective.bus_factor(point.world_size)
    return algbw_gb_s(moved_bytes, time_ns), busbw_gb_s(moved_bytes, time_ns, bus_factor)
