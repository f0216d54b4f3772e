"""kernels/bucket.cu, compiled by g++ for the CPU, against torch: bit for bit."""

import pytest

from commbench.bucketing.base import FusedBucket
from commbench.bucketing.build import KernelBuild
from commbench.bucketing.plan import BucketPlan

from . import promises
from .cases import CASES, MIXED, Case
from .promises import MakeBucket
from .shim import ShimBucket, ShimLauncher, build_library

WHOLE_BLOCKS = KernelBuild(worker_threads=256, inflight_bytes=32)


def maker(launcher: ShimLauncher) -> MakeBucket:
    def make(plan: BucketPlan) -> FusedBucket:
        return ShimBucket(plan, launcher)

    return make


@pytest.fixture
def make(shim: ShimLauncher) -> MakeBucket:
    return maker(shim)


@pytest.fixture(scope="module")
def make_with_block_tiles(shim: ShimLauncher, tmp_path_factory: pytest.TempPathFactory) -> MakeBucket:
    library = build_library(tmp_path_factory.mktemp("shim") / "block.so", WHOLE_BLOCKS)
    return maker(ShimLauncher(library, WHOLE_BLOCKS))


@pytest.mark.parametrize("stats", [False, True], ids=["plain", "stats"])
@pytest.mark.parametrize("bucket_dtype", promises.BUCKET_DTYPES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_kernel_packs_what_torch_would(make: MakeBucket, case: Case, bucket_dtype: str, stats: bool) -> None:
    promises.packs_what_torch_would(make, case, bucket_dtype, stats=stats)


@pytest.mark.parametrize("accumulate", [False, True], ids=["write", "add"])
@pytest.mark.parametrize("bucket_dtype", promises.BUCKET_DTYPES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_kernel_unpacks_what_torch_would(make: MakeBucket, case: Case, bucket_dtype: str, accumulate: bool) -> None:
    promises.unpacks_what_torch_would(make, case, bucket_dtype, accumulate=accumulate)


@pytest.mark.parametrize("bucket_dtype", promises.BUCKET_DTYPES)
def test_what_the_kernel_sees_is_deterministic(make: MakeBucket, bucket_dtype: str) -> None:
    promises.sees_the_same_in_the_same(make, MIXED, bucket_dtype)


@pytest.mark.parametrize("bucket_dtype", ["bfloat16", "float16", "float8_e4m3fn"])
def test_every_bit_pattern_is_unpacked_as_torch_reads_it(make: MakeBucket, bucket_dtype: str) -> None:
    promises.decodes_every_pattern(make, bucket_dtype)


@pytest.mark.parametrize(("shards", "count"), [(1, 1), (4, 19_000), (7, 512 * 7)])
def test_the_kernel_sums_messages_in_rank_order(make: MakeBucket, shards: int, count: int) -> None:
    promises.reduces_in_rank_order(make, shards, count)


@pytest.mark.parametrize("bucket_dtype", promises.BUCKET_DTYPES)
@pytest.mark.parametrize("name", ["mixed", "unaligned views"])
def test_tiles_may_belong_to_whole_blocks(make_with_block_tiles: MakeBucket, name: str, bucket_dtype: str) -> None:
    (case,) = (each for each in CASES if each.name == name)
    promises.packs_what_torch_would(make_with_block_tiles, case, bucket_dtype, stats=True)
    promises.unpacks_what_torch_would(make_with_block_tiles, case, bucket_dtype, accumulate=True)
