"""The fused bucket on a GPU: the cases that tests/kernels runs on the CPU, and what only a GPU can show."""

import os
import shutil
import subprocess
import sys

import pytest
import torch

from commbench.bucketing.base import FusedBucket
from commbench.bucketing.build import KernelBuild
from commbench.bucketing.cupy_launcher import open_kernel_bucket
from commbench.bucketing.open import open_bucket
from commbench.bucketing.plan import BucketPlan, plan_bucket
from commbench.errors import UsageError
from tests.kernels import oracle, promises
from tests.kernels.cases import CASES, MIXED, Case

from .device import sleep

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(600)]

CUDA = torch.device("cuda", 0)
CHUNK = 2**28  # inputs of one exhaustive step: 1 GiB of float32
TINY = Case("10,000 tiny tensors", (64,) * 10_000, ("float32", "bfloat16"))


def on_gpu(plan: BucketPlan) -> FusedBucket:
    return open_bucket(plan, CUDA)


def with_block_tiles(plan: BucketPlan) -> FusedBucket:
    return open_kernel_bucket(plan, CUDA, build=KernelBuild(worker_threads=256, inflight_bytes=32), max_blocks=3)


@pytest.mark.parametrize("stats", [False, True], ids=["plain", "stats"])
@pytest.mark.parametrize("bucket_dtype", promises.BUCKET_DTYPES)
@pytest.mark.parametrize("case", [*CASES, TINY], ids=lambda case: case.name)
def test_the_kernel_packs_what_torch_would(case: Case, bucket_dtype: str, stats: bool) -> None:
    promises.packs_what_torch_would(on_gpu, case, bucket_dtype, stats=stats)


@pytest.mark.parametrize("accumulate", [False, True], ids=["write", "add"])
@pytest.mark.parametrize("bucket_dtype", promises.BUCKET_DTYPES)
@pytest.mark.parametrize("case", [*CASES, TINY], ids=lambda case: case.name)
def test_the_kernel_unpacks_what_torch_would(case: Case, bucket_dtype: str, accumulate: bool) -> None:
    promises.unpacks_what_torch_would(on_gpu, case, bucket_dtype, accumulate=accumulate)


@pytest.mark.parametrize(("shards", "count"), [(1, 1), (4, 19_000), (7, 512 * 7), (8, 10_000_000)])
def test_the_kernel_sums_messages_in_rank_order(shards: int, count: int) -> None:
    promises.reduces_in_rank_order(on_gpu, shards, count)


@pytest.mark.parametrize("bucket_dtype", promises.BUCKET_DTYPES)
def test_what_the_kernel_sees_is_deterministic(bucket_dtype: str) -> None:
    promises.sees_the_same_in_the_same(on_gpu, MIXED, bucket_dtype)


@pytest.mark.parametrize("bucket_dtype", promises.BUCKET_DTYPES)
def test_tiles_may_belong_to_whole_blocks(bucket_dtype: str) -> None:
    promises.packs_what_torch_would(with_block_tiles, MIXED, bucket_dtype, stats=True)
    promises.unpacks_what_torch_would(with_block_tiles, MIXED, bucket_dtype, accumulate=True)


@pytest.mark.parametrize("bucket_dtype", promises.BUCKET_DTYPES)
def test_the_cpu_and_the_gpu_pack_the_same_bits(bucket_dtype: str) -> None:
    plan = MIXED.plan(bucket_dtype)
    buckets = [open_bucket(plan, device) for device in ("cpu", CUDA)]
    for bucket in buckets:
        bucket.pack(MIXED.tensors(1, bucket.device))
    assert torch.equal(buckets[0].buffer.view(torch.uint8), buckets[1].buffer.cpu().view(torch.uint8))


def test_one_tensor_of_more_than_2_to_the_31_elements() -> None:
    count = 2**31 + 12_345
    tensor = torch.randn(2**20, device=CUDA).to(torch.bfloat16).repeat(count // 2**20 + 1)[:count]
    bucket = on_gpu(plan_bucket([count], ["bfloat16"], "bfloat16"))
    bucket.pack([tensor])
    assert torch.equal(bucket.buffer[:count].view(torch.int16), tensor.view(torch.int16))
    target = torch.zeros_like(tensor)
    bucket.unpack([target])
    assert torch.equal(target.view(torch.int16), tensor.view(torch.int16))


def test_a_recorded_pack_follows_values_and_scale_but_refuses_other_tensors() -> None:
    plan = MIXED.plan("bfloat16")
    bucket, tensors = on_gpu(plan), MIXED.tensors(1, CUDA)
    scale = torch.ones(1, device=CUDA)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(torch.cuda.CUDAGraph()):
        scale.mul_(1.0)  # torch warns of a graph with nothing in it
        with pytest.raises(UsageError, match="before recording"):
            bucket.pack(tensors, scale)
    bucket.pack(tensors, scale, stats=True)
    torch.cuda.synchronize()
    with torch.cuda.graph(graph):
        bucket.pack(tensors, scale, stats=True)
    for seed, factor in ((2, 0.5), (3, 0.25)):
        for tensor, value in zip(tensors, MIXED.tensors(seed, CUDA), strict=True):
            tensor.copy_(value)
        scale.fill_(factor)
        graph.replay()
        for tensor, start in zip(tensors, plan.starts.tolist(), strict=True):
            wanted = oracle.scaled(tensor, factor).to(torch.bfloat16)
            assert oracle.same_bits(bucket.buffer[start : start + tensor.numel()], wanted)
        seen = max(float(each.float().abs().max()) for each in tensors if each.numel())
        assert bucket.stats().amax == pytest.approx(seen * factor)
    with pytest.raises(UsageError, match="a CUDA graph was recorded"):
        bucket.pack(MIXED.tensors(1, CUDA), scale)


def test_a_pack_runs_on_the_stream_that_is_current_at_the_call() -> None:
    bucket = on_gpu(plan_bucket([1000], ["float32"], "float32"))
    tensor = torch.zeros(1000, device=CUDA)
    bucket.pack([tensor])
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call] # torch
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        sleep(100_000_000)  # tens of ms: a pack on another stream would read zeros
        tensor.fill_(1.0)
        bucket.pack([tensor])
    side.synchronize()
    assert bucket.buffer[:1000].sum() == 1000


@pytest.mark.parametrize("bucket_dtype", ["bfloat16", "float16", "float8_e4m3fn"])
def test_every_bit_pattern_is_unpacked_as_torch_reads_it(bucket_dtype: str) -> None:
    promises.decodes_every_pattern(on_gpu, bucket_dtype)


@pytest.mark.parametrize("bucket_dtype", ["bfloat16", "float16"])
def test_all_float32_are_rounded_as_torch_rounds_them(bucket_dtype: str) -> None:
    bucket = on_gpu(plan_bucket([CHUNK], ["float32"], bucket_dtype))
    for begin in range(-(2**31), 2**31, CHUNK):
        values = torch.arange(begin, begin + CHUNK, dtype=torch.int32, device=CUDA).view(torch.float32)
        bucket.pack([values])
        assert oracle.same_bits(bucket.buffer, values.to(bucket.buffer.dtype)), hex(begin)


def test_all_float32_up_to_448_are_rounded_to_e4m3_as_torch_rounds_them() -> None:
    """A 448 at the head of every block makes its scale 1, so that the other 127 are only rounded."""
    rows = 2**20
    bucket = on_gpu(plan_bucket([rows * 128], ["float32"], "float8_e4m3fn"))
    payload = bucket.buffer[: rows * 128].view(torch.float8_e4m3fn)
    for begin in range(-(2**31), 2**31, rows * 127):
        bits = torch.arange(begin, min(begin + rows * 127, 2**31), device=CUDA).to(torch.int32)
        values = torch.nn.functional.pad(bits, (0, rows * 127 - len(bits))).view(torch.float32)
        values = torch.where(values.abs() <= 448.0, values, 0.0)  # not NaN either
        blocks = torch.nn.functional.pad(values.view(rows, 127), (1, 0), value=448.0).view(-1)
        bucket.pack([blocks])
        assert oracle.same_bits(payload, blocks.to(torch.float8_e4m3fn)), hex(begin)


SANITIZED = """
import torch
from tests.gpu.test_bucket import on_gpu
from tests.kernels import promises
from tests.kernels.cases import CASES
for case in CASES:
    if case.name in {"unaligned views", "messages for 3 ranks"}:
        for dtype in promises.BUCKET_DTYPES:
            promises.packs_what_torch_would(on_gpu, case, dtype, stats=True)
            promises.unpacks_what_torch_would(on_gpu, case, dtype, accumulate=True)
promises.reduces_in_rank_order(on_gpu, 3, 5000)
torch.cuda.synchronize()
"""


@pytest.mark.parametrize("tool", ["memcheck", "racecheck"])
def test_compute_sanitizer_finds_nothing(tool: str) -> None:
    sanitizer = shutil.which("compute-sanitizer")
    if sanitizer is None:
        pytest.skip("no compute-sanitizer on the PATH")
    # Libraries ask the driver for what it may not have, and go on: that is no error of ours (cuda-python#562).
    quiet = ["--report-api-errors", "no"] if tool == "memcheck" else []
    command = [sanitizer, "--tool", tool, *quiet, "--error-exitcode", "9", sys.executable, "-c", SANITIZED]
    # Without torch's cache every tensor is an allocation of its own, so that an access beyond it is seen.
    environment = {**os.environ, "PYTORCH_NO_CUDA_MEMORY_CACHING": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if "Device not supported" in done.stdout + done.stderr:
        pytest.skip("compute-sanitizer does not support this device or sandbox")
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
