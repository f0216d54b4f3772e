"""all_to_all_v: every rank sends every rank a part, and popular ranks get more: a mixture of experts' traffic."""

from functools import partial

from commbench.collectives.base import (
    ALIGNMENT_BYTES,
    Buffers,
    Call,
    Collective,
    Geometry,
    Library,
    Piece,
    split_count,
)


class AllToAllV(Collective):
    """Rows after nccl-tests src/alltoallv.cu.

    A traffic skew s makes destination d as popular as (d + 1)^-s, a Zipf law: 0 is even, 1 gives rank 0 twice
    what rank 1 gets. Every rank sends the same split.
    """

    name = "all_to_all_v"
    summary = "every rank sends every rank a part, uneven by traffic_skew"
    is_uneven = True
    placements = (False,)

    def geometry(self, requested_bytes: int, element_bytes: int, world_size: int, traffic_skew: float) -> Geometry:
        count = split_count(requested_bytes, element_bytes, world_size)
        alignment = max(1, ALIGNMENT_BYTES // element_bytes)
        weights = [(destination + 1) ** -traffic_skew for destination in range(world_size)]
        share = count * world_size / sum(weights)
        counts = [int(weight * share) // alignment * alignment for weight in weights]
        counts[0] += count * world_size - sum(counts)  # what rounding left over goes to the most popular
        return Geometry(world_size, count, element_bytes, count * world_size * element_bytes, tuple(counts))

    def buffer_counts(self, geometry: Geometry, rank: int) -> tuple[int, int]:
        return sum(geometry.destination_counts), geometry.destination_counts[rank] * geometry.world_size

    def pieces(self, geometry: Geometry, rank: int) -> tuple[Piece, ...]:
        count = geometry.destination_counts[rank]
        start = sum(geometry.destination_counts[:rank])
        return tuple(Piece(source * count, count, ((source, start),)) for source in range(geometry.world_size))

    def bind(self, library: Library, buffers: Buffers, geometry: Geometry, rank: int) -> Call:
        received = [geometry.destination_counts[rank]] * geometry.world_size
        sent = list(geometry.destination_counts)
        return partial(library.all_to_all_single, buffers.recv, buffers.send, received, sent)

    def bus_factor(self, world_size: int) -> float:
        return (world_size - 1) / world_size

    def bandwidth_bytes(self, geometry: Geometry) -> int:
        """Return the most that any rank sends or receives, as nccl-tests does."""
        received = max(geometry.destination_counts) * geometry.world_size
        return max(received, sum(geometry.destination_counts)) * geometry.element_bytes

    def host_bytes(self, geometry: Geometry, nodes: int) -> float:
        """Return what the first host sends to others: the least of all, as its own ranks are the most popular."""
        on_each = geometry.world_size // nodes
        elsewhere = sum(geometry.destination_counts[on_each:])
        return float(on_each * elsewhere * geometry.element_bytes) if nodes > 1 else 0.0

    def steps(self, world_size: int) -> int:
        return max(1, world_size - 1)


COLLECTIVE = AllToAllV()
