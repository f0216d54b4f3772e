"""Where every gradient lies in its bucket, and the tiles that the kernel's warps take: pure NumPy, no device needed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from commbench.bucketing.layout import (
    BUCKET_SIZES,
    DTYPE_CODES,
    DTYPE_SHIFT,
    E4M3,
    E4M3_SHARD_UNITS,
    SCALE_BYTES,
    SOURCE_SIZES,
    TILE_RECORD,
    UNIT_COUNT,
)
from commbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# A warp keeps 512 float32 or 1,024 narrower elements in flight, 64 bytes a lane, so that smaller tiles would waste some
# of that; 4,096 make the 16 bytes of a tile's record 0.07 % of the traffic.
TILE_COUNTS = (512, 1024, 2048, 4096)
# 4 tiles for each of the 8 warps of the 4 blocks on each of an H200's 132 multiprocessors, so that none waits long for
# the last one: a smaller tile where there are fewer.
_ENOUGH_TILES = 4 * 8 * 4 * 132
_MAX_UNITS = 2**31  # units and tiles are counted in 32 bits, a step beyond the last tile too: 2^38 elements


@dataclass(frozen=True, slots=True, eq=False)
class BucketPlan:
    """The layout of one bucket. Counts and starts are in elements; `shards` equal messages follow each other.

    `starts[i]` is where tensor i begins in the bucket's elements, always a multiple of 128; what lies between two
    tensors and behind the last one is padding and stays zero. A message of an e4m3 bucket is its elements, one byte
    each, followed by one float32 scale for each 128 of them; of other buckets, its elements.
    """

    counts: "NDArray[np.int64]"
    dtypes: tuple[str, ...]
    bucket_dtype: str
    shards: int
    starts: "NDArray[np.int64]"
    shard_count: int
    tiles: "NDArray[np.void]"  # TILE_RECORD

    @property
    def bucket_count(self) -> int:
        """Return the elements of the whole bucket, padding included."""
        return self.shard_count * self.shards

    @property
    def shard_units(self) -> int:
        """Return the units of 128 elements in one message."""
        return self.shard_count // UNIT_COUNT

    @property
    def message_bytes(self) -> int:
        """Return the bytes of one message: elements, and scales where there are any."""
        scales_bytes = self.shard_units * SCALE_BYTES if self.bucket_dtype == E4M3 else 0
        return self.shard_count * BUCKET_SIZES[self.bucket_dtype] + scales_bytes

    @property
    def buffer_bytes(self) -> int:
        """Return the bytes of the whole bucket."""
        return self.message_bytes * self.shards

    @property
    def buffer_dtype(self) -> str:
        """Return the element type of the buffer that collectives carry: e4m3 messages travel as bytes."""
        return "uint8" if self.bucket_dtype == E4M3 else self.bucket_dtype


def plan_bucket(
    counts: "Sequence[int]",
    dtypes: "Sequence[str]",
    bucket_dtype: str,
    *,
    shards: int = 1,
    tile_count: int | None = None,
) -> BucketPlan:
    """Lay out one bucket for tensors of so many elements and these element types, in their order.

    `shards` is the number of equal messages, the world size for all_to_all, reduce_scatter and all_gather, 1 for an
    all_reduce. `tile_count` is the most elements of one tile, a multiple of 128; by default 512 to 4,096, by size.

    Raises:
        UsageError: no tensors, a dtype that the kernel does not take, or numbers that are none.
    """
    _check(counts, dtypes, bucket_dtype, shards, tile_count)
    per_tensor = np.asarray(counts, dtype=np.int64)
    units = -(-per_tensor // UNIT_COUNT)
    ends = np.cumsum(units)
    shard_units = max(1, -(-int(ends[-1]) // shards))
    if bucket_dtype == E4M3:
        shard_units = -(-shard_units // E4M3_SHARD_UNITS) * E4M3_SHARD_UNITS
    if shard_units * shards > _MAX_UNITS:
        raise UsageError(
            f"one bucket holds at most {_MAX_UNITS * UNIT_COUNT:,} elements; split the {len(counts)} tensors"
        )
    starts, shard_count = (ends - units) * UNIT_COUNT, shard_units * UNIT_COUNT
    most = tile_count or _tile_count(int(per_tensor.sum()), dtypes)
    tiles = _tiles(per_tensor, dtypes, starts, shard_count, most)
    return BucketPlan(per_tensor, tuple(dtypes), bucket_dtype, shards, starts, shard_count, tiles)


def _tile_count(count: int, dtypes: "Sequence[str]") -> int:
    smallest = TILE_COUNTS[0 if set(dtypes) == {"float32"} else 1]
    fitting = [each for each in TILE_COUNTS if count // each >= _ENOUGH_TILES]
    return max(smallest, *fitting) if fitting else smallest


def _tiles(
    counts: "NDArray[np.int64]", dtypes: "Sequence[str]", starts: "NDArray[np.int64]", shard_count: int, most: int
) -> "NDArray[np.void]":
    """Cut every tensor where a message ends, and what is left after each `most` elements."""
    tensors = np.arange(len(counts))
    first_borders = (starts // shard_count + 1) * shard_count
    piece, begins, ends = _cut(starts, starts + counts, first_borders, shard_count)
    tensors = tensors[piece]
    piece, begins, ends = _cut(begins, ends, begins + most, most)
    tensors = tensors[piece]
    codes = np.array([DTYPE_CODES[each] for each in dtypes], dtype=np.uint32)
    tiles = np.empty(len(tensors), dtype=TILE_RECORD)
    tiles["tensor"] = tensors
    tiles["count_and_dtype"] = (ends - begins).astype(np.uint32) | codes[tensors] << np.uint32(DTYPE_SHIFT)
    tiles["bucket_unit"] = begins // UNIT_COUNT
    tiles["tensor_unit"] = (begins - starts[tensors]) // UNIT_COUNT
    return tiles


def _cut(
    begins: "NDArray[np.int64]", ends: "NDArray[np.int64]", first_borders: "NDArray[np.int64]", step: int
) -> "tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]":
    """Cut ranges at their first border and each `step` further; return each piece's range, begin and end.

    An empty range has no pieces.
    """
    pieces = np.where(ends > begins, 1 + np.maximum(0, -(-(ends - first_borders) // step)), 0)
    of_range = np.repeat(np.arange(len(begins)), pieces)
    position = np.arange(len(of_range)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    border = first_borders[of_range] + position * step
    return of_range, np.maximum(begins[of_range], border - step), np.minimum(ends[of_range], border)


def _check(
    counts: "Sequence[int]", dtypes: "Sequence[str]", bucket_dtype: str, shards: int, tile_count: int | None
) -> None:
    if not counts:
        raise UsageError("a bucket needs at least one tensor; the list is empty")
    if len(counts) != len(dtypes):
        raise UsageError(f"{len(counts)} counts but {len(dtypes)} dtypes: a bucket needs one dtype for each tensor")
    if min(counts) < 0:
        raise UsageError(f"tensor {list(counts).index(min(counts))} has {min(counts)} elements; none is the least")
    for index, dtype in enumerate(dtypes):
        if dtype not in SOURCE_SIZES:
            raise UsageError(f"gradient {index} is {dtype}; a bucket packs {', '.join(SOURCE_SIZES)}")
    if bucket_dtype not in BUCKET_SIZES:
        raise UsageError(f"a bucket cannot be {bucket_dtype}; choose one of {', '.join(BUCKET_SIZES)}")
    if shards < 1:
        raise UsageError(f"a bucket has at least one shard, not {shards}")
    if tile_count is not None and not (0 < tile_count < 2**DTYPE_SHIFT and tile_count % UNIT_COUNT == 0):
        raise UsageError(f"a tile of {tile_count} elements is no multiple of {UNIT_COUNT} below 2^{DTYPE_SHIFT}")
