"""all_to_all: every rank sends a different part to every rank."""

from functools import partial

from commbench.collectives.base import Buffers, Call, Collective, Geometry, Library, Piece, split_geometry


class AllToAll(Collective):
    """Rows after nccl-tests src/alltoall.cu: size is what one rank sends in all, count what it sends each peer."""

    name = "all_to_all"
    summary = "every rank sends a different part to every rank"
    placements = (False,)  # undefined in place in torch, unchecked in nccl-tests

    def geometry(self, requested_bytes: int, element_bytes: int, world_size: int, traffic_skew: float) -> Geometry:
        return split_geometry(requested_bytes, element_bytes, world_size)

    def buffer_counts(self, geometry: Geometry, rank: int) -> tuple[int, int]:
        total = geometry.count * geometry.world_size
        return total, total

    def pieces(self, geometry: Geometry, rank: int) -> tuple[Piece, ...]:
        count = geometry.count
        return tuple(Piece(source * count, count, ((source, rank * count),)) for source in range(geometry.world_size))

    def bind(self, library: Library, buffers: Buffers, geometry: Geometry, rank: int) -> Call:
        return partial(library.all_to_all_single, buffers.recv, buffers.send)

    def bus_factor(self, world_size: int) -> float:
        return (world_size - 1) / world_size

    def host_bytes(self, geometry: Geometry, nodes: int) -> float:
        """Return what the ranks of a host send to those of others: size is what a single rank sends in all."""
        return super().host_bytes(geometry, nodes) * geometry.world_size / nodes

    def steps(self, world_size: int) -> int:
        return max(1, world_size - 1)


COLLECTIVE = AllToAll()
