"""Compiled kernels on disk, so that only the first process on a machine waits for the compiler."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from commbench.bucketing.build import KernelBuild
from commbench.bucketing.nvrtc import Nvrtc, fingerprint
from commbench.errors import UnfitError

VARIABLE = "CUPY_CACHE_DIR"  # CuPy needs a writable folder too: one variable moves both


def cache_folder(environment: Mapping[str, str]) -> Path:
    """Return where compiled kernels are kept: beside CuPy's."""
    return Path(environment.get(VARIABLE) or Path.home() / ".cupy" / "kernel_cache") / "commbench"


def cubin_path(compiler: Nvrtc, arch: str, build: KernelBuild, cache: Path) -> Path:
    """Return the file with the kernels for an architecture, compiled now if they are not there yet.

    Raises:
        UnfitError: the folder cannot be written, or the kernels not compiled.
    """
    path = cache / f"bucket-{arch}-{fingerprint(arch, build, compiler.version)[:32]}.cubin"
    if path.is_file():
        return path
    compiled = compiler.compile(arch, build)
    try:
        _publish(compiled.cubin, path)
    except OSError as error:
        raise UnfitError(
            f"compiled kernels cannot be kept in {cache}: {error.strerror}; "
            f"set {VARIABLE} to a folder that you may write"
        ) from error
    return path


def _publish(cubin: bytes, path: Path) -> None:
    """Write the file under a name of its own and then rename it: ranks of one host do this at the same time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(cubin)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
