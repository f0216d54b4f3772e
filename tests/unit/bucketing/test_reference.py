"""The CPU's bucket keeps the promises that the kernel is held to."""

import pytest
import torch

from commbench.bucketing.base import FusedBucket
from commbench.bucketing.open import open_bucket
from commbench.bucketing.plan import BucketPlan
from tests.kernels import promises
from tests.kernels.cases import CASES, MIXED, Case


def on_cpu(plan: BucketPlan) -> FusedBucket:
    return open_bucket(plan, "cpu")


@pytest.mark.parametrize("bucket_dtype", promises.BUCKET_DTYPES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_packs_what_torch_would_and_says_what_it_saw(case: Case, bucket_dtype: str) -> None:
    promises.packs_what_torch_would(on_cpu, case, bucket_dtype, stats=True)


@pytest.mark.parametrize("accumulate", [False, True])
@pytest.mark.parametrize("bucket_dtype", promises.BUCKET_DTYPES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_unpacks_what_torch_would(case: Case, bucket_dtype: str, accumulate: bool) -> None:
    promises.unpacks_what_torch_would(on_cpu, case, bucket_dtype, accumulate=accumulate)


@pytest.mark.parametrize("bucket_dtype", ["bfloat16", "float16", "float8_e4m3fn"])
def test_every_bit_pattern_is_unpacked_as_torch_reads_it(bucket_dtype: str) -> None:
    promises.decodes_every_pattern(on_cpu, bucket_dtype)


@pytest.mark.parametrize(("shards", "count"), [(1, 1), (4, 19_000), (7, 512 * 7)])
def test_it_sums_messages_in_rank_order(shards: int, count: int) -> None:
    promises.reduces_in_rank_order(on_cpu, shards, count)


def test_what_it_sees_is_deterministic() -> None:
    promises.sees_the_same_in_the_same(on_cpu, MIXED, "bfloat16")


def test_a_round_trip_in_float32_changes_nothing() -> None:
    case = Case("same", (1, 1000, 77), ("float32",))
    bucket = on_cpu(case.plan("float32"))
    sent, got = case.tensors(1, bucket.device), case.tensors(2, bucket.device)
    bucket.pack(sent)
    bucket.unpack(got)
    assert all(map(torch.equal, sent, got))
