"""The kernels compile for every GPU generation that matters, and fit; no GPU is needed to know."""

import re
from pathlib import Path

import pytest

from commbench.bucketing.build import KERNELS, KernelBuild
from commbench.bucketing.cubins import cubin_path
from commbench.bucketing.nvrtc import Compiled, Nvrtc

from . import resources

pytest.importorskip("cuda.bindings.nvrtc", reason="no cuda-bindings here: pip install 'commbench[kernel]'")

ARCHES = ("sm_80", "sm_90", "sm_100")  # A100, H100 and H200, B200
MOST_REGISTERS = 64  # 65,536 of a multiprocessor for 4 blocks of 256 threads


@pytest.mark.parametrize("arch", ARCHES)
def test_every_kernel_compiles_without_spills_into_64_registers(arch: str) -> None:
    compiled = Nvrtc().compile(arch, KernelBuild())
    found = resources.of_kernels(compiled.log)
    assert set(found) == set(KERNELS)
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
    build, cache = KernelBuild(), tmp_path / "cache"
    first = cubin_path(compiler, "sm_90", build, cache)
    assert first.read_bytes() == b"cubin 1"
    assert cubin_path(compiler, "sm_90", build, cache) == first
    assert [path.name for path in cache.iterdir()] == [first.name]
    others = [cubin_path(compiler, "sm_80", build, cache), cubin_path(compiler, "sm_90", KernelBuild(256), cache)]
    assert len({first, *others}) == compiler.compilations == 3
    assert re.fullmatch(r"bucket-sm_90-[0-9a-f]{32}\.cubin", first.name)


class CountingNvrtc(Nvrtc):
    """Compiles nothing, so that the test is about the files."""

    compilations = 0

    def compile(self, arch: str, build: KernelBuild) -> Compiled:
        self.compilations += 1
        return Compiled(f"cubin {self.compilations}".encode(), "")
