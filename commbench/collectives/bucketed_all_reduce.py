"""bucketed_all_reduce: every rank's gradients are packed into one bucket, summed over ranks and unpacked again."""

from commbench.collectives.all_reduce import AllReduce
from commbench.collectives.base import Buffers, Call, Geometry, Library
from commbench.model.dtype import BUCKET_DTYPES
from commbench.model.gradients import bucket_memory_bytes


class BucketedAllReduce(AllReduce):
    """What DDP does after backward. Size is the gradients' elements in the type that travels, without padding.

    Gradients are float32 and so are the results, in memory of their own: values do not grow from call to call.
    """

    name = "bucketed_all_reduce"
    summary = "gradients packed into one bucket, summed over ranks and unpacked"
    is_bucketed = True
    dtypes = tuple(BUCKET_DTYPES)
    placements = (False,)

    def bind(self, library: Library, buffers: Buffers, geometry: Geometry, rank: int) -> Call:
        """Return what lies between packing and unpacking; `buffers.send` is the exchange of the bucket."""
        call: Call = buffers.send.all_reduce
        return call

    def memory_bytes(self, geometry: Geometry, rank: int, *, in_place: bool) -> int:
        return bucket_memory_bytes(*self.buffer_counts(geometry, rank), geometry.element_bytes)


COLLECTIVE = BucketedAllReduce()
