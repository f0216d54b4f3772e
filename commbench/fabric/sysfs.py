"""Read single files of sysfs: what is absent, private or refused reads as nothing."""

import re
from pathlib import Path

SYS = Path("/sys")

_NUMBERS = re.compile(r"\d+")


def text(path: Path) -> str:
    """Return a file's text without blanks around it; empty when it cannot be read.

    An unused GID index and the speed of a link that is down answer EINVAL: both are OSError, as is a missing file.
    """
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def number(path: Path) -> int | None:
    """Return a file's whole number, decimal or 0x...; None when it holds none, such as `N/A (no PMA)`."""
    try:
        return int(text(path), 0)
    except ValueError:
        return None


def link_name(path: Path) -> str:
    """Return the last part of where a link of sysfs points, such as a driver's name; empty without the link."""
    try:
        return path.readlink().name
    except OSError:
        return ""


def entries(folder: Path) -> list[Path]:
    """Return a folder's entries in the order that people count in: mlx5_2 before mlx5_10."""
    try:
        return sorted(folder.iterdir(), key=lambda path: _natural(path.name))
    except OSError:
        return []


def _natural(name: str) -> tuple[str, list[int], str]:
    return _NUMBERS.sub("", name), [int(part) for part in _NUMBERS.findall(name)], name
