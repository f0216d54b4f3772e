"""The tests of the kernel can fail: each of these broken kernels is caught by one of them."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from commbench.bucketing.build import KernelBuild
from commbench.bucketing.plan import BucketPlan

from . import promises
from .cases import Case
from .shim import KERNELS, ShimBucket, ShimLauncher, build_library, has_compiler

pytestmark = pytest.mark.skipif(not has_compiler(), reason="no g++ here to compile the kernel for the CPU")

ORDINARY = Case("ordinary", (1, 0, 129, 1000, 2000, 4097), shifts=(0, 0, 1, 3), tile_count=384, shards=3)
NOT_FINITE = Case("not finite", (40, 500), is_special=True, scale=1.0)
BARRIER = "of_warp[THREAD / 32] = sum;\n  block_barrier();"


@dataclass(frozen=True)
class Fault:
    """What is broken, in which file, the right text and the wrong one, and what the failure must say."""

    name: str
    file: str
    right: str
    wrong: str
    says: str | None = None


FAULTS = (
    Fault("the tail is dropped", "pack.cuh", "for (; e < count;", "for (; e + 1 < count;", "wanted"),
    Fault(
        "vectors of an unaligned source",
        "pack.cuh",
        "% sizeof(In) == 0 ? count / E : 0",
        "< 1 ? 0 : count / E",
        "misal",
    ),
    Fault("a vector too many", "pack.cuh", "for (; v < vectors;", "for (; v <= vectors;", "outside every registered"),
    Fault(
        "lanes leave a collective",
        "pack.cuh",
        "(v & ~31u) < whole_warps",
        "v < live && (v & ~31u) < whole_warps",
        "not every thread",
    ),
    Fault("scales of the next message", "bucket.cu", "(u64)(shard + 1) * shard_units", "(u64)shard_units"),
    Fault("no scale", "unpack.cuh", "f[i] = multiply(f[i], scale);", "f[i] = f[i];"),
    Fault("no barrier in the block's sum", "stats.cuh", BARRIER, BARRIER.partition("\n")[0]),
    Fault("a ticket is not given back", "stats.cuh", "stats->ticket = 0;", ""),
    Fault("infinite bfloat16 are not counted", "stats.cuh", "0x7f7f7fffu", "0x7f7fffffu"),
    Fault("ranks are summed backwards", "bucket.cu", "received + rank *", "received + (shards - 1 - rank) *"),
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_broken_kernel_is_caught(tmp_path: Path, fault: Fault) -> None:
    sources = Path(shutil.copytree(KERNELS, tmp_path / "kernels"))
    text = (sources / fault.file).read_text()
    assert fault.right in text, "the fault is planted nowhere: the kernel has changed, so change this list"
    (sources / fault.file).write_text(text.replace(fault.right, fault.wrong))
    build = KernelBuild()
    launcher = ShimLauncher(build_library(tmp_path / "broken.so", build, sources, "-O0"), build, multiprocessors=2)
    with pytest.raises(AssertionError, match=fault.says):
        keep_all_promises(launcher)


def keep_all_promises(launcher: ShimLauncher) -> None:
    def make(plan: BucketPlan) -> ShimBucket:
        return ShimBucket(plan, launcher)

    for case in (ORDINARY, NOT_FINITE):
        for dtype in ("bfloat16", "float8_e4m3fn"):
            promises.packs_what_torch_would(make, case, dtype, stats=True)
            promises.unpacks_what_torch_would(make, case, dtype, accumulate=False)
    promises.reduces_in_rank_order(make, 4, 1000)


def test_the_right_kernel_keeps_them(tmp_path: Path) -> None:
    build = KernelBuild()
    keep_all_promises(
        ShimLauncher(build_library(tmp_path / "right.so", build, KERNELS, "-O0"), build, multiprocessors=2)
    )
