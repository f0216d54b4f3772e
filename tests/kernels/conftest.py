"""The kernels on the CPU, compiled once for all tests."""

import pytest

from commbench.bucketing.build import KernelBuild

from .shim import ShimLauncher, build_library, has_compiler


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> ShimLauncher:
    """Return a launcher of the kernels as they are built by default."""
    if not has_compiler():
        pytest.skip("no g++ here to compile the kernel for the CPU")
    build = KernelBuild()
    return ShimLauncher(build_library(tmp_path_factory.mktemp("shim") / "warp.so", build), build)
