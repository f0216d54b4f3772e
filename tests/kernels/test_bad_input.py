"""Whatever is wrong with a call, one message says what, and nothing is packed, on the CPU and by the kernel."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from commbench.bucketing import cupy_launcher, nvrtc
from commbench.bucketing.base import FusedBucket
from commbench.bucketing.build import KernelBuild
from commbench.bucketing.cubins import cubin_path
from commbench.bucketing.kernel_bucket import KernelBucket
from commbench.bucketing.open import open_bucket
from commbench.bucketing.plan import BucketPlan, plan_bucket
from commbench.bucketing.pointers import PointerTable
from commbench.errors import UnfitError, UsageError

from .shim import ShimBucket, ShimLauncher

PLAN = plan_bucket([4, 300], ["float32", "bfloat16"], "float8_e4m3fn", shards=2)
Make = Callable[[BucketPlan], FusedBucket]


@pytest.fixture(params=["cpu", "kernel"])
def make(request: pytest.FixtureRequest) -> Make:
    if request.param == "cpu":
        return lambda plan: open_bucket(plan, "cpu")
    shim: ShimLauncher = request.getfixturevalue("shim")
    return lambda plan: ShimBucket(plan, shim)


def good() -> list[torch.Tensor]:
    return [torch.ones(4), torch.ones(300, dtype=torch.bfloat16)]


BAD_LISTS: dict[str, tuple[Callable[[], list[torch.Tensor | None]], str]] = {
    "one is missing": (lambda: [good()[0]], "planned for 2 tensors and was given 1"),
    "one was freed": (lambda: [good()[0], None], "gradient 1 is None: it was freed"),
    "another size": (lambda: [torch.ones(5), good()[1]], "gradient 0 has 5 elements, planned were 4"),
    "another dtype": (lambda: [good()[0], torch.ones(300)], "gradient 1 is torch.float32, planned was torch.bfloat16"),
    "another device": (lambda: [torch.ones(4, device="meta"), good()[1]], "gradient 0 is on meta, its bucket on cpu"),
    "not contiguous": (lambda: [torch.ones(2, 2).t(), good()[1]], r"gradient 0 is not contiguous \(shape \[2, 2\]"),
    "storage was freed": (lambda: [resized(), good()[1]], "gradient 0 has no memory"),
}


def resized() -> torch.Tensor:
    tensor = torch.ones(4)
    tensor.untyped_storage().resize_(0)  # what FSDP does to free a parameter
    return tensor


@pytest.mark.parametrize("name", BAD_LISTS)
def test_tensors_that_are_not_those_of_the_plan_are_refused(make: Make, name: str) -> None:
    tensors, says = BAD_LISTS[name]
    bucket = make(PLAN)
    for call in (bucket.pack, bucket.unpack):
        with pytest.raises(UsageError, match=says):
            call(tensors())
    assert not bucket.buffer.any()


def test_a_tensor_that_changes_in_place_after_a_good_call_is_refused(make: Make) -> None:
    bucket, tensors = make(PLAN), good()
    bucket.pack(tensors)
    tensors[0].resize_(3)
    with pytest.raises(UsageError, match="gradient 0 has 3 elements, planned were 4"):
        bucket.pack(tensors)


def test_tensors_inside_the_bucket_are_refused(make: Make) -> None:
    bucket = make(plan_bucket([4, 300], ["float32"] * 2, "float32"))
    with pytest.raises(UsageError, match="gradient 1 lies in the bucket's own memory"):
        bucket.pack([torch.ones(4), bucket.buffer[10:310]])


def test_tensors_that_move_are_followed(make: Make) -> None:
    bucket = make(plan_bucket([4, 300], ["float32"] * 2, "float32"))
    for value in (1.0, 2.0, 3.0):
        bucket.pack([torch.full((4,), value), torch.full((300,), value)])
        assert bucket.buffer.sum() == 304 * value


def test_tensors_of_a_recorded_graph_may_not_move(shim: ShimLauncher, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket, tensors = ShimBucket(PLAN, shim), good()
    monkeypatch.setattr(PointerTable, "_is_capturing", lambda table: True)
    with pytest.raises(UsageError, match="pack and unpack once with these tensors before recording"):
        bucket.pack(tensors)
    monkeypatch.setattr(PointerTable, "_is_capturing", lambda table: False)
    bucket.pack(tensors)
    monkeypatch.setattr(PointerTable, "_is_capturing", lambda table: True)
    bucket.pack(tensors)  # recorded
    monkeypatch.setattr(PointerTable, "_is_capturing", lambda table: False)
    bucket.pack(tensors)
    with pytest.raises(UsageError, match="a CUDA graph was recorded with their old places"):
        bucket.pack(good())


@pytest.mark.parametrize("scale", [torch.ones(2), torch.ones(1, dtype=torch.float64), torch.ones(1, device="meta")])
def test_a_scale_that_is_no_single_float32_here_is_refused(make: Make, scale: torch.Tensor) -> None:
    with pytest.raises(UsageError, match="a scale is one float32 on cpu"):
        make(PLAN).pack(good(), scale)


def test_reduce_is_for_messages_of_e4m3_of_the_right_size(make: Make) -> None:
    with pytest.raises(UsageError, match="this bucket is float32"):
        make(plan_bucket([4], ["float32"], "float32")).reduce(torch.ones(1), torch.ones(1))
    with pytest.raises(UsageError, match=f"received must be {PLAN.buffer_bytes} contiguous torch.uint8"):
        make(PLAN).reduce(torch.zeros(8, dtype=torch.uint8), torch.zeros(PLAN.shard_count))
    with pytest.raises(UsageError, match=f"out must be {PLAN.shard_count} contiguous torch.float32"):
        make(PLAN).reduce(torch.zeros(PLAN.buffer_bytes, dtype=torch.uint8), torch.zeros(7))


def test_statistics_are_those_of_the_last_pack_or_none(make: Make) -> None:
    bucket = make(PLAN)
    with pytest.raises(UsageError, match="no statistics here"):
        bucket.stats()
    bucket.pack(good(), stats=True)
    assert bucket.stats().amax == 1.0
    bucket.pack(good())
    with pytest.raises(UsageError, match="no statistics here"):
        bucket.stats()


BUFFERS = {
    "bucket needs": torch.zeros(PLAN.buffer_bytes - 1, dtype=torch.uint8),
    "buffer must be contiguous 1-D torch.uint8, not 1-D torch.float32": torch.zeros(PLAN.buffer_bytes),
    "must start on 16 bytes": torch.zeros(PLAN.buffer_bytes + 1, dtype=torch.uint8)[1:],
    "buffer is on meta": torch.zeros(PLAN.buffer_bytes, dtype=torch.uint8, device="meta"),
}


@pytest.mark.parametrize("says", BUFFERS)
def test_a_buffer_that_does_not_fit_is_refused(says: str) -> None:
    with pytest.raises(UsageError, match=says):
        open_bucket(PLAN, "cpu", BUFFERS[says])


def test_a_buffer_that_fits_is_used_and_cleared(shim: ShimLauncher) -> None:
    given = torch.ones(PLAN.buffer_bytes + 64, dtype=torch.uint8)
    for bucket in (open_bucket(PLAN, "cpu", given), KernelBucket(PLAN, torch.device("cpu"), shim, given)):
        assert bucket.buffer.data_ptr() == given.data_ptr()
        assert not bucket.buffer.any()


def test_other_devices_have_no_buckets() -> None:
    with pytest.raises(UsageError, match="gradients on meta cannot be bucketed"):
        open_bucket(PLAN, "meta")


def test_a_host_without_a_gpu_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UnfitError, match="needs a CUDA GPU and torch finds none"):
        open_bucket(PLAN, "cuda")


def test_a_host_without_cupy_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(UnfitError, match=r"launched by CuPy.*commbench\[gpu\]"):
        cupy_launcher.CupyLauncher(torch.device("cuda", 0))


def test_a_cupy_that_cannot_make_its_cache_says_which_variable_helps(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "cupy.py").write_text("raise PermissionError(13, 'Permission denied', '/root/.cupy')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    with pytest.raises(UnfitError, match="CUPY_CACHE_DIR"):
        cupy_launcher.CupyLauncher(torch.device("cuda", 0))


def test_a_host_without_nvrtc_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    with pytest.raises(UnfitError, match=r"NVRTC.*commbench\[gpu\]"):
        nvrtc.Nvrtc()


@pytest.mark.parametrize(("driver", "is_refused"), [(12080, True), (13000, False), (13020, False), (14000, False)])
def test_a_driver_of_an_older_cuda_than_the_compiler_is_refused(driver: int, is_refused: bool) -> None:
    if not is_refused:
        cupy_launcher.check_driver(driver, (13, 0))
        return
    with pytest.raises(UnfitError, match=r"the driver is of CUDA 12\.8, the compiler of CUDA 13\.0"):
        cupy_launcher.check_driver(driver, (13, 0))


def test_a_home_that_cannot_be_written_says_which_variable_helps() -> None:
    class Compiler(nvrtc.Nvrtc):
        version = (13, 0)

        def __init__(self) -> None:
            pass

        def compile(self, arch: str, build: KernelBuild) -> nvrtc.Compiled:
            return nvrtc.Compiled(b"", "")

    with pytest.raises(UnfitError, match="set CUPY_CACHE_DIR to a folder that you may write"):
        cubin_path(Compiler(), "sm_90", KernelBuild(), Path("/proc/version/cache"))  # a file: true for root, too
