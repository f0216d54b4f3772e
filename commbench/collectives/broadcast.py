"""broadcast: every rank ends with rank 0's buffer."""

from functools import partial

from commbench.collectives.base import Buffers, Call, Collective, Geometry, Library, Piece, whole_geometry

ROOT = 0


class Broadcast(Collective):
    """Rows after nccl-tests src/broadcast.cu, always from rank 0."""

    name = "broadcast"
    summary = "every rank ends with rank 0's buffer"
    is_synchronising = False
    placements = (True,)  # torch.distributed.broadcast has no other form

    def geometry(self, requested_bytes: int, element_bytes: int, world_size: int, traffic_skew: float) -> Geometry:
        return whole_geometry(requested_bytes, element_bytes, world_size)

    def buffer_counts(self, geometry: Geometry, rank: int) -> tuple[int, int]:
        return geometry.count, geometry.count

    def pieces(self, geometry: Geometry, rank: int) -> tuple[Piece, ...]:
        return (Piece(0, geometry.count, ((ROOT, 0),)),)

    def bind(self, library: Library, buffers: Buffers, geometry: Geometry, rank: int) -> Call:
        return partial(library.broadcast, buffers.recv, group_src=ROOT)

    def bus_factor(self, world_size: int) -> float:
        return 1.0


COLLECTIVE = Broadcast()
