"""send_recv: every rank sends to the next rank and receives from the one before, round a ring."""

from commbench.collectives.base import Buffers, Call, Collective, Geometry, Library, Piece, whole_geometry


class SendRecv(Collective):
    """Rows after nccl-tests src/sendrecv.cu."""

    name = "send_recv"
    summary = "every rank sends to the next and receives from the one before"
    min_ranks = 2
    is_synchronising = False
    placements = (False,)

    def geometry(self, requested_bytes: int, element_bytes: int, world_size: int, traffic_skew: float) -> Geometry:
        return whole_geometry(requested_bytes, element_bytes, world_size)

    def buffer_counts(self, geometry: Geometry, rank: int) -> tuple[int, int]:
        return geometry.count, geometry.count

    def pieces(self, geometry: Geometry, rank: int) -> tuple[Piece, ...]:
        return (Piece(0, geometry.count, (((rank - 1) % geometry.world_size, 0),)),)

    def bind(self, library: Library, buffers: Buffers, geometry: Geometry, rank: int) -> Call:
        next_rank, previous_rank = (rank + 1) % geometry.world_size, (rank - 1) % geometry.world_size
        return library.exchange(buffers.send, next_rank, buffers.recv, previous_rank)

    def bus_factor(self, world_size: int) -> float:
        return 1.0

    def steps(self, world_size: int) -> int:
        return 1


COLLECTIVE = SendRecv()
