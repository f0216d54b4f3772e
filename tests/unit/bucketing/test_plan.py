"""The planner's laws, for any list of tensors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commbench.bucketing.layout import BUCKET_SIZES, DTYPE_SHIFT, E4M3, SOURCE_SIZES, UNIT_COUNT
from commbench.bucketing.plan import TILE_COUNTS, BucketPlan, plan_bucket
from commbench.errors import UsageError

COUNTS = st.integers(0, 20_000) | st.sampled_from([0, 1, 127, 128, 129, 4096, 4097])
TENSORS = st.lists(st.tuples(COUNTS, st.sampled_from(sorted(SOURCE_SIZES))), min_size=1, max_size=30)
BUCKETS = st.sampled_from(sorted(BUCKET_SIZES))
SHARDS = st.integers(1, 9)
TILES = st.sampled_from([None, 128, 384, *TILE_COUNTS])


def planned(tensors: list[tuple[int, str]], bucket: str, shards: int, tile: int | None) -> BucketPlan:
    counts, dtypes = zip(*tensors, strict=True)
    return plan_bucket(counts, dtypes, bucket, shards=shards, tile_count=tile)


def tile_counts(plan: BucketPlan) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.asarray(plan.tiles["count_and_dtype"] & (2**DTYPE_SHIFT - 1), dtype=np.int64)


@given(TENSORS, BUCKETS, SHARDS, TILES)
def test_tiles_cover_every_element_of_every_tensor_once_and_in_order(
    tensors: list[tuple[int, str]], bucket: str, shards: int, tile: int | None
) -> None:
    plan = planned(tensors, bucket, shards, tile)
    tiles, counts = plan.tiles, tile_counts(plan)
    begins = tiles["tensor_unit"].astype(np.int64) * UNIT_COUNT
    for index, (count, _) in enumerate(tensors):
        mine = tiles["tensor"] == index
        assert begins[mine].tolist() == [0, *np.cumsum(counts[mine])[:-1]][: mine.sum()]
        assert counts[mine].sum() == count
    assert (counts > 0).all()
    assert (counts <= (tile or max(TILE_COUNTS))).all()


@given(TENSORS, BUCKETS, SHARDS, TILES)
def test_a_tile_lies_where_its_tensor_does_and_in_one_message(
    tensors: list[tuple[int, str]], bucket: str, shards: int, tile: int | None
) -> None:
    plan = planned(tensors, bucket, shards, tile)
    begins = plan.tiles["bucket_unit"].astype(np.int64) * UNIT_COUNT
    of_tensor = plan.tiles["tensor_unit"].astype(np.int64) * UNIT_COUNT
    assert (begins == plan.starts[plan.tiles["tensor"]] + of_tensor).all()
    assert (begins // plan.shard_count == (begins + tile_counts(plan) - 1) // plan.shard_count).all()


@given(TENSORS, BUCKETS, SHARDS)
def test_tensors_start_on_their_own_unit_and_do_not_overlap(
    tensors: list[tuple[int, str]], bucket: str, shards: int
) -> None:
    plan = planned(tensors, bucket, shards, None)
    assert (plan.starts % UNIT_COUNT == 0).all()
    assert (plan.starts[1:] >= plan.starts[:-1] + plan.counts[:-1]).all()
    assert plan.starts[-1] + plan.counts[-1] <= plan.bucket_count


@given(TENSORS, BUCKETS, SHARDS)
def test_messages_are_equal_aligned_and_little_longer_than_the_tensors(
    tensors: list[tuple[int, str]], bucket: str, shards: int
) -> None:
    plan = planned(tensors, bucket, shards, None)
    assert plan.bucket_count == plan.shard_count * shards
    assert plan.message_bytes % 16 == 0
    assert plan.buffer_bytes == plan.message_bytes * shards
    padding = plan.bucket_count - sum(count for count, _ in tensors)
    assert padding < UNIT_COUNT * (len(tensors) + 4 * shards + 1)


@given(TENSORS)
def test_a_tile_carries_the_dtype_of_its_tensor(tensors: list[tuple[int, str]]) -> None:
    codes = {"float32": 0, "bfloat16": 1, "float16": 2}
    tiles = planned(tensors, E4M3, 2, None).tiles
    assert [tensors[each][1] for each in tiles["tensor"]] == [
        {code: name for name, code in codes.items()}[each] for each in tiles["count_and_dtype"] >> DTYPE_SHIFT
    ]


def test_a_tensor_of_more_than_2_to_the_31_elements_is_planned() -> None:
    count = 2**31 + 12_345
    plan = plan_bucket([count], ["float32"], "bfloat16")
    assert tile_counts(plan).sum() == count
    assert int(plan.tiles["tensor_unit"][-1]) * UNIT_COUNT > 2**31


def test_small_buckets_get_small_tiles_and_large_ones_large() -> None:
    small, narrow, large = (
        tile_counts(plan_bucket([count], [dtype], "bfloat16")).max()
        for count, dtype in ((2**20, "float32"), (2**20, "bfloat16"), (2**30, "float32"))
    )
    assert (small, narrow, large) == (TILE_COUNTS[0], TILE_COUNTS[1], TILE_COUNTS[-1])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (([], [], "float32"), "at least one tensor"),
        (([1, 2], ["float32"], "float32"), "2 counts but 1 dtypes"),
        (([1, -2], ["float32"] * 2, "float32"), "tensor 1 has -2"),
        (([1, 2], ["float32", "float64"], "float32"), "gradient 1 is float64"),
        (([1], ["float8_e4m3fn"], "float32"), "gradient 0 is float8_e4m3fn"),
        (([1], ["float32"], "int8"), "cannot be int8"),
        (([2**40], ["float32"], "float32"), "at most 274,877,906,944 elements"),
    ],
)
def test_what_cannot_be_planned_is_refused(arguments: tuple[list[int], list[str], str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        plan_bucket(*arguments)


@pytest.mark.parametrize(("option", "says"), [({"shards": 0}, "at least one shard"), ({"tile_count": 100}, "multiple")])
def test_shards_and_tiles_that_are_none_are_refused(option: dict[str, int], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        plan_bucket([1], ["float32"], "float32", **option)
