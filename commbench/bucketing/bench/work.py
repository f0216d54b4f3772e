"""What is measured: shapes, direction, element types, and the least traffic that the work needs."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from commbench.bucketing.layout import BUCKET_SIZES, E4M3, SCALE_BYTES, SOURCE_SIZES, UNIT_COUNT
from commbench.bucketing.plan import BucketPlan, plan_bucket
from commbench.errors import UsageError
from commbench.model.gradients import GRADIENT_SETS, GradientSet, known_set

RANKS = 8  # whose messages a reduce sums: a node's
SCALE = 0.125  # 1 / 8 ranks; a power of two, so that scaling before and after rounding give the same bits


class Direction(StrEnum):
    """Which way the data goes."""

    PACK = "pack"
    UNPACK = "unpack"
    UNPACK_ADD = "unpack_add"  # added to what the tensors hold
    REDUCE = "reduce"  # e4m3 messages of all ranks to one float32 sum
    COPY = "copy"


@dataclass(frozen=True, slots=True)
class Work:
    """One thing to do for every competitor; `is_scaled` says whether each element is multiplied on the way."""

    workload: GradientSet
    direction: Direction
    tensor_dtype: str
    bucket_dtype: str
    is_scaled: bool = False

    @property
    def is_cast(self) -> bool:
        """Return whether tensors and bucket differ in element type."""
        return self.tensor_dtype != self.bucket_dtype

    @property
    def scale(self) -> float:
        """Return what each element is multiplied with."""
        return SCALE if self.is_scaled else 1.0

    @property
    def plan(self) -> BucketPlan:
        """Return where a reduce finds elements and scales in its messages."""
        counts = self.workload.counts
        return plan_bucket(counts, [self.tensor_dtype] * len(counts), self.bucket_dtype, shards=RANKS)

    @property
    def moved_bytes(self) -> int:
        """Return the least to read and write: each element once on either side, and the scales of e4m3 blocks."""
        tensor_bytes, bucket_bytes = SOURCE_SIZES[self.tensor_dtype], BUCKET_SIZES[self.bucket_dtype]
        if self.direction == Direction.REDUCE:
            count = self.plan.shard_count
            return RANKS * self.plan.message_bytes + count * tensor_bytes
        per_element = bucket_bytes + tensor_bytes * (2 if self.direction == Direction.UNPACK_ADD else 1)
        blocks = sum(-(-count // UNIT_COUNT) for count in self.workload.counts) if self.bucket_dtype == E4M3 else 0
        return self.workload.count * per_element + blocks * SCALE_BYTES


# Design, section 5: shared/design/kernel.md. The unscaled casts are for peers that leave the scale to NCCL's AVG.
_WORKS = (
    (Direction.PACK, "float32", "bfloat16", True),
    (Direction.PACK, "float32", "bfloat16", False),
    (Direction.PACK, "float32", "float16", False),
    (Direction.PACK, "float32", "float32", False),
    (Direction.PACK, "bfloat16", "bfloat16", False),
    (Direction.PACK, "bfloat16", "float32", False),
    (Direction.PACK, "float32", E4M3, True),
    (Direction.UNPACK, "float32", "bfloat16", False),
    (Direction.UNPACK_ADD, "float32", "bfloat16", False),
    (Direction.REDUCE, "float32", E4M3, True),
)
# What the best plain copy is looked for among: design 5, minutes 1 to 2.
_COPIES = (("float32", "float32"), ("float32", "bfloat16"))


def works_of(workloads: Iterable[GradientSet]) -> tuple[Work, ...]:
    """Return everything that is measured of these workloads."""
    return tuple(Work(workload, *each) for workload in workloads for each in _WORKS)


def copies_of(count: int) -> tuple[Work, ...]:
    """Return copies of one tensor of so many elements: what the device can do."""
    workload = GradientSet("one_tensor", (count,))
    return tuple(Work(workload, Direction.COPY, *dtypes) for dtypes in _COPIES)


# Two of each kind that matters (tails, one element, none) in some 100 kB: quick anywhere, and no claim about anything.
SMALL = GradientSet("small", (16_384, 4099, 1, 0, 128, 2048, 64, 64))
WORKLOADS = (SMALL.name, *GRADIENT_SETS)


def workload(name: str) -> GradientSet:
    """Return the tensors of that name, one of `WORKLOADS`.

    Raises:
        UsageError: there is no such name.
    """
    if name not in WORKLOADS:
        raise UsageError(f"no workload {name!r}; choose some of {', '.join(WORKLOADS)}")
    return SMALL if name == SMALL.name else known_set(name)
