"""reduce_scatter: every rank ends with its own part of the reduction."""

from functools import partial

from commbench.collectives.base import Buffers, Call, Collective, Geometry, Library, Piece, split_geometry


class ReduceScatter(Collective):
    """Rows after nccl-tests src/reduce_scatter.cu: size is the total input, count what each rank receives."""

    name = "reduce_scatter"
    summary = "every rank ends with its own part of the reduction"
    reduces = True

    def geometry(self, requested_bytes: int, element_bytes: int, world_size: int, traffic_skew: float) -> Geometry:
        return split_geometry(requested_bytes, element_bytes, world_size)

    def buffer_counts(self, geometry: Geometry, rank: int) -> tuple[int, int]:
        return geometry.count * geometry.world_size, geometry.count

    def pieces(self, geometry: Geometry, rank: int) -> tuple[Piece, ...]:
        start = rank * geometry.count
        return (Piece(0, geometry.count, tuple((source, start) for source in range(geometry.world_size))),)

    def bind(self, library: Library, buffers: Buffers, geometry: Geometry, rank: int) -> Call:
        return partial(library.reduce_scatter_single, buffers.recv, buffers.send, op=buffers.redop)

    def bus_factor(self, world_size: int) -> float:
        return (world_size - 1) / world_size

    def in_place_start(self, geometry: Geometry, rank: int) -> int:
        return rank * geometry.count


COLLECTIVE = ReduceScatter()
