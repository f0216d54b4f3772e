"""A bucketed point: gradients of this rank, packed, reduced over ranks and unpacked, with its parts stamped apart."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from commbench.backend.base import BoundPoint, Stamp
from commbench.backend.pattern import Pattern
from commbench.backend.torch_library import TorchLibrary
from commbench.bucketing.exchange import BucketExchange, elements_by_rank, parts_of_shard
from commbench.collectives import get
from commbench.collectives.base import Buffers
from commbench.collectives.of_point import geometry_of
from commbench.model.dtype import BUCKET_DTYPES, E4M3
from commbench.model.gradients import GradientSet
from commbench.model.point import GRAPH_LAUNCH, Point
from commbench.model.result import Correctness

# An e4m3 value has three bits of mantissa: a rounding moves it by 1/16 of itself at most. The test data's integers are
# far from the range where it would be more, and float32 scales add next to nothing.
_E4M3_ROUNDING = 2.0**-4
_SCALE_ROUNDING = 2.0**-20


@dataclass(frozen=True, slots=True)
class Buckets:
    """What a launch needs to bind bucketed points: the sets by name, the device, and the clock's stamp."""

    sets: Mapping[str, GradientSet]
    device: torch.device
    stamp: Callable[[], Stamp]

    def bind(self, point: Point, library: TorchLibrary, rank: int) -> "BucketPoint":
        """Return the point bound to gradients and a bucket of its own; all of it is freed with the point."""
        counts = self.sets[point.gradients].counts
        exchange = BucketExchange(counts, point.dtype, point.world_size, library, self.device)
        # A recorded call cannot be stamped in its middle: events of a CUDA graph tell no times.
        return BucketPoint(point, exchange, library, rank, None if point.launch == GRAPH_LAUNCH else self.stamp)


class BucketPoint(BoundPoint):
    """Gradients as a model allocates them, one by one; the results have memory of their own."""

    def __init__(
        self,
        point: Point,
        exchange: BucketExchange,
        library: TorchLibrary,
        rank: int,
        stamp: Callable[[], Stamp] | None,
    ) -> None:
        self._collective, self._exchange, self._rank = get(point.collective), exchange, rank
        plan, device = exchange.plan, exchange.device
        self._geometry = replace(geometry_of(point), destination_counts=elements_by_rank(plan))
        self._counts: list[int] = plan.counts.tolist()
        self._gradients = [torch.empty(count, device=device) for count in self._counts]
        if self._collective.keeps_part:
            shard = torch.empty(plan.shard_count, device=device)
            self._received: list[torch.Tensor] = [shard[start:end] for _, start, end in parts_of_shard(plan, rank)]
            self._unpack: Callable[[], None] = lambda: exchange.unpack_shard(shard)
        else:
            self._received = [torch.empty_like(each) for each in self._gradients]
            self._unpack = lambda: exchange.unpack(self._received)
        buffers = Buffers(exchange, self._received, None)
        self._communicate = self._collective.bind(library, buffers, self._geometry, rank)
        self._pattern = Pattern(BUCKET_DTYPES[point.dtype], "sum", point.world_size, _tolerance(point))
        self._stamp, self._marks = stamp, list[Stamp]()
        self.call = self._plain_call if stamp is None else self._stamped_call

    def prepare(self, salt: int) -> None:
        for each in self._received:
            each.fill_(float("nan"))  # what is not overwritten must not look right by chance
        data = torch.empty(self._geometry.count, device=self._exchange.device)
        self._pattern.fill(data, self._rank, salt)
        torch._foreach_copy_(self._gradients, list(torch.split_with_sizes(data, self._counts)))

    def check(self, salt: int) -> Correctness:
        pieces = self._collective.pieces(self._geometry, self._rank)
        empty = torch.empty(0, device=self._exchange.device)
        return self._pattern.check(torch.cat([*self._received, empty]), pieces, self._rank, salt)

    def take_marks(self) -> Sequence[Stamp]:
        marks, self._marks = self._marks, []
        return marks

    def _plain_call(self) -> None:
        self._exchange.pack(self._gradients)
        self._communicate()
        self._unpack()

    def _stamped_call(self) -> None:
        assert self._stamp is not None, "a call without stamps is another"  # noqa: S101 - a programming error
        self._exchange.pack(self._gradients)
        self._marks.append(self._stamp())
        self._communicate()
        self._marks.append(self._stamp())
        self._unpack()


def _tolerance(point: Point) -> float:
    """Return how far a result may be from its law, as a share: nothing where the test data's sums are exact."""
    if point.dtype != E4M3:
        return 0.0
    roundings = 1 if get(point.collective).keeps_part else 2  # an all-reduce packs the sums once more
    return (1 + _E4M3_ROUNDING) ** roundings * (1 + _SCALE_ROUNDING) - 1
