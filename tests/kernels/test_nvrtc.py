"""The kernels compile for every GPU generation that matters, and fit; no GPU is needed to know."""

import re
from pathlib import Path

import pytest

from commbench.bucketing.build import KernelBuild
from commbench.bucketing.cubins import cubin_path
from commbench.bucketing.layout import BUCKET_SIZES
from commbench.bucketing.nvrtc import Nvrtc

from . import resources

pytest.importorskip("cuda.bindings.nvrtc", reason="no cuda-bindings here: pip install 'commbench[kernel]'")

ARCHES = ("sm_80", "sm_90", "sm_100")  # A100, H100 and H200, B200
MOST_REGISTERS = 64  # 65,536 of a multiprocessor for 4 blocks of 256 threads
KERNELS = {
    *(f"pack_{dtype}{ending}" for dtype in BUCKET_SIZES for ending in ("", "_stats")),
    *(f"unpack_{dtype}{ending}" for dtype in BUCKET_SIZES for ending in ("", "_add")),
    "reduce_e4m3",
}


@pytest.mark.parametrize("arch", ARCHES)
def test_every_kernel_compiles_without_spills_into_64_registers(arch: str) -> None:
    compiled = Nvrtc().compile(arch, KernelBuild())
    found = resources.of_kernels(compiled.log)
    assert set(found) == KERNELS
    too_large = {
        name: used
        for name, used in found.items()
        if used.registers > MOST_REGISTERS or used.stack_bytes or used.spill_bytes
    }
    assert not too_large
    assert compiled.cubin.startswith(b"\x7fELF")
    assert "warning" not in compiled.log


def test_the_gate_sees_a_kernel_that_spills() -> None:
    """Twice as many blocks side by side leave 32 registers a thread, which is too few."""
    found = resources.of_kernels(Nvrtc().compile("sm_90", KernelBuild(blocks_per_multiprocessor=8)).log)
    assert any(used.spill_bytes for used in found.values())


def test_a_compiled_kernel_is_kept_and_found_again_until_something_changes(tmp_path: Path) -> None:
    compiler = CountingNvrtc()
    build = KernelBuild()
    first = cubin_path(compiler, "sm_90", build, tmp_path / "cache")
    assert first.read_bytes().startswith(b"\x7fELF")
    assert cubin_path(compiler, "sm_90", build, tmp_path / "cache") == first
    assert compiler.compilations == 1
    assert re.fullmatch(r"bucket-sm_90-[0-9a-f]{32}\.cubin", first.name)
    assert [path.name for path in first.parent.iterdir()] == [first.name]


class CountingNvrtc(Nvrtc):
    compilations = 0

    def compile(self, arch, build):  # type: ignore[no-untyped-def]
        self.compilations += 1
        return super().compile(arch, build)
