"""Which NCCL library a process has loaded, and which it could load."""

import os
import re
from collections.abc import Iterable, Mapping
from importlib.metadata import distributions
from pathlib import Path

from commbench.fabric.sysfs import text

_LIBRARY = re.compile(r"(?:^|\s)(/\S*libnccl\.so\S*)")


def loaded_nccl(proc: Path = Path("/proc")) -> tuple[str, ...]:
    """Return the NCCL libraries in this process, by path; two of them happen, and only one answers for its version."""
    return tuple(dict.fromkeys(_LIBRARY.findall(text(proc / "self/maps"))))


def installed_nccl(environ: Mapping[str, str], linker_cache: str = "") -> tuple[str, ...]:
    """Return the NCCL libraries that a process could load, links resolved.

    `linker_cache` is what `ldconfig -p` prints. Python packages are searched as well.
    """
    folders = [Path(folder) for folder in environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if folder]
    candidates = [path for folder in folders for path in _in_folder(folder)]
    candidates += [Path(path) for path in _LIBRARY.findall(linker_cache)]
    candidates += _in_packages()
    return tuple(dict.fromkeys(str(path.resolve()) for path in candidates if path.exists()))


def _in_folder(folder: Path) -> Iterable[Path]:
    try:
        return sorted(folder.glob("libnccl.so*"))
    except OSError:
        return []


def _in_packages() -> list[Path]:
    packages = [package for package in distributions() if (package.name or "").startswith("nvidia-nccl-cu")]
    files = [file for package in packages for file in package.files or ()]
    return [Path(str(file.locate())) for file in files if file.name.startswith("libnccl.so")]
