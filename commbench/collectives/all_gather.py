"""all_gather: every rank ends with all ranks' parts, in rank order."""

from functools import partial

from commbench.collectives.base import Buffers, Call, Collective, Geometry, Library, Piece, split_geometry


class AllGather(Collective):
    """Rows after nccl-tests src/all_gather.cu: size is the total gathered, count what each rank sends."""

    name = "all_gather"
    summary = "every rank ends with all ranks' parts, in rank order"

    def geometry(self, requested_bytes: int, element_bytes: int, world_size: int, traffic_skew: float) -> Geometry:
        return split_geometry(requested_bytes, element_bytes, world_size)

    def buffer_counts(self, geometry: Geometry, rank: int) -> tuple[int, int]:
        return geometry.count, geometry.count * geometry.world_size

    def pieces(self, geometry: Geometry, rank: int) -> tuple[Piece, ...]:
        count = geometry.count
        return tuple(Piece(source * count, count, ((source, 0),)) for source in range(geometry.world_size))

    def bind(self, library: Library, buffers: Buffers, geometry: Geometry, rank: int) -> Call:
        return partial(library.all_gather_single, buffers.recv, buffers.send)

    def bus_factor(self, world_size: int) -> float:
        return (world_size - 1) / world_size

    def in_place_start(self, geometry: Geometry, rank: int) -> int:
        return rank * geometry.count


COLLECTIVE = AllGather()
