"""Compile kernels/bucket.cu to a cubin with NVRTC: needs no GPU, no driver, no nvcc and no CUDA headers."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from commbench.assets import folder
from commbench.bucketing.build import KernelBuild
from commbench.errors import UnfitError

_SOURCE = "bucket.cu"
_HOW_TO_GET_IT = "install what the kernel needs: pip install 'commbench[gpu]'"


@dataclass(frozen=True, slots=True)
class Compiled:
    """A cubin, and what the compiler said: with `--ptxas-options=-v`, each kernel's registers, stack and spills."""

    cubin: bytes
    log: str


class Nvrtc:
    """NVIDIA's run-time compiler, through its own bindings.

    Raises:
        UnfitError: the bindings or the library are not installed.
    """

    def __init__(self) -> None:
        try:
            from cuda.bindings import nvrtc
        except ImportError as error:
            raise UnfitError(f"no NVRTC bindings (cuda-bindings) here: {error}; {_HOW_TO_GET_IT}") from error
        self._nvrtc: Any = nvrtc
        try:
            major, minor = self._ask(nvrtc.nvrtcVersion())
        except RuntimeError as error:  # what the bindings raise when they find no library
            raise UnfitError(f"the NVRTC library cannot be loaded: {error}; {_HOW_TO_GET_IT}") from error
        self.version: tuple[int, int] = (major, minor)

    def compile(self, arch: str, build: KernelBuild) -> Compiled:
        """Return the kernels for an architecture such as `sm_90`.

        Raises:
            UnfitError: NVRTC refuses; its log is in the message.
        """
        source = folder("kernels") / _SOURCE
        program = self._ask(self._nvrtc.nvrtcCreateProgram(source.read_bytes(), _SOURCE.encode(), 0, [], []))
        try:
            given = [each.encode() for each in options(arch, build)]
            (status,) = self._nvrtc.nvrtcCompileProgram(program, len(given), given)
            log = self._text(program)
            if status:
                raise UnfitError(f"NVRTC {self.version} cannot compile {source} for {arch} ({status.name}):\n{log}")
            cubin = b" " * self._ask(self._nvrtc.nvrtcGetCUBINSize(program))
            self._ask(self._nvrtc.nvrtcGetCUBIN(program, cubin))  # writes into the bytes given: that is its interface
        finally:
            self._nvrtc.nvrtcDestroyProgram(program)
        return Compiled(cubin, log)

    def _text(self, program: object) -> str:
        log: bytes = b" " * self._ask(self._nvrtc.nvrtcGetProgramLogSize(program))
        self._ask(self._nvrtc.nvrtcGetProgramLog(program, log))
        return str(log.rstrip(b"\0 "), errors="replace")

    @staticmethod
    def _ask(answer: tuple[Any, ...]) -> Any:
        status, *values = answer
        if status:
            raise UnfitError(f"NVRTC failed ({status.name}); {_HOW_TO_GET_IT}")
        return values[0] if len(values) == 1 else values


def options(arch: str, build: KernelBuild) -> tuple[str, ...]:
    """Return the compiler's options; CuPy would add -ftz=true to its own, which changes denormals."""
    headers = f"-I{folder('kernels')}"
    return ("-std=c++17", f"-arch={arch}", "--ptxas-options=-v", "-ftz=false", headers, *build.definitions)


def fingerprint(arch: str, build: KernelBuild, version: tuple[int, int]) -> str:
    """Return a name for what a compilation would give: sources, options and compiler."""
    digest = hashlib.sha256(repr((version, arch, build.definitions)).encode())
    for path in sorted(_sources()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _sources() -> list[Path]:
    kernels = folder("kernels")
    return [*kernels.glob("*.cu"), *kernels.glob("*.cuh")]
