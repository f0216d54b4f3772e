"""all_reduce: every rank ends with the reduction of all ranks' buffers."""

from functools import partial

from commbench.collectives.base import Buffers, Call, Collective, Geometry, Library, Piece, whole_geometry


class AllReduce(Collective):
    """Rows after nccl-tests src/all_reduce.cu."""

    name = "all_reduce"
    summary = "every rank ends with the reduction of all ranks' buffers"
    reduces = True
    placements = (True,)  # torch.distributed.all_reduce has no other form

    def geometry(self, requested_bytes: int, element_bytes: int, world_size: int, traffic_skew: float) -> Geometry:
        return whole_geometry(requested_bytes, element_bytes, world_size)

    def buffer_counts(self, geometry: Geometry, rank: int) -> tuple[int, int]:
        return geometry.count, geometry.count

    def pieces(self, geometry: Geometry, rank: int) -> tuple[Piece, ...]:
        return (Piece(0, geometry.count, tuple((source, 0) for source in range(geometry.world_size))),)

    def bind(self, library: Library, buffers: Buffers, geometry: Geometry, rank: int) -> Call:
        return partial(library.all_reduce, buffers.recv, op=buffers.redop)

    def bus_factor(self, world_size: int) -> float:
        return 2 * (world_size - 1) / world_size

    def steps(self, world_size: int) -> int:
        return 2 * super().steps(world_size)


COLLECTIVE = AllReduce()
