"""bucketed_reduce_scatter: gradients are packed into one bucket, and every rank ends with its part of the sum."""

from commbench.collectives.base import Buffers, Call, Collective, Geometry, Library, Piece, whole_geometry
from commbench.model.dtype import BUCKET_DTYPES
from commbench.model.gradients import UNIT_COUNT, bucket_memory_bytes


class BucketedReduceScatter(Collective):
    """What ZeRO and FSDP do after backward. Size is the gradients' elements in the type that travels, without padding.

    The bucket is cut evenly, so a rank's part holds more or fewer gradients' elements: `destination_counts`. Which
    they are follows from the set; a geometry made of a size alone is that of a single gradient.
    """

    name = "bucketed_reduce_scatter"
    summary = "gradients packed into one bucket, every rank ends with its part of the sum"
    reduces = True
    is_bucketed = True
    keeps_part = True
    dtypes = tuple(BUCKET_DTYPES)
    placements = (False,)

    def geometry(self, requested_bytes: int, element_bytes: int, world_size: int, traffic_skew: float) -> Geometry:
        whole = whole_geometry(requested_bytes, element_bytes, world_size)
        units = -(-whole.count // UNIT_COUNT)
        part = -(-units // world_size) * UNIT_COUNT
        left = [whole.count - rank * part for rank in range(world_size)]
        counts = tuple(max(0, min(part, each)) for each in left)
        return Geometry(world_size, whole.count, element_bytes, whole.size_bytes, counts)

    def buffer_counts(self, geometry: Geometry, rank: int) -> tuple[int, int]:
        return geometry.count, geometry.destination_counts[rank]

    def pieces(self, geometry: Geometry, rank: int) -> tuple[Piece, ...]:
        start, count = sum(geometry.destination_counts[:rank]), geometry.destination_counts[rank]
        return (Piece(0, count, tuple((source, start) for source in range(geometry.world_size))),)

    def bind(self, library: Library, buffers: Buffers, geometry: Geometry, rank: int) -> Call:
        """Return what lies between packing and unpacking; `buffers.send` is the exchange of the bucket."""
        call: Call = buffers.send.reduce_scatter
        return call

    def bus_factor(self, world_size: int) -> float:
        return (world_size - 1) / world_size

    def memory_bytes(self, geometry: Geometry, rank: int, *, in_place: bool) -> int:
        return bucket_memory_bytes(*self.buffer_counts(geometry, rank), geometry.element_bytes)


COLLECTIVE = BucketedReduceScatter()
