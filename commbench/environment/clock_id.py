"""Which monotonic clock this process reads: processes of one boot and one time namespace read the same."""

import platform
from pathlib import Path

_BOOT_ID = "sys/kernel/random/boot_id"
_TIME_NAMESPACE = "self/ns/time"  # absent before Linux 5.6, where all processes share one


def clock_identity(proc: Path = Path("/proc")) -> str:
    """Return a name that is equal on processes that read the same CLOCK_MONOTONIC; empty when that is not known.

    The host's name is part of it, because virtual machines resumed from one snapshot can share a boot id.
    """
    try:
        boot = (proc / _BOOT_ID).read_text(encoding="ascii").strip()
    except OSError:
        return ""
    try:
        namespace = str((proc / _TIME_NAMESPACE).readlink())
    except OSError:
        namespace = "time:none"
    return f"{boot} {namespace} {platform.node()}"


def shares_clock(one: str, other: str) -> bool:
    """Return whether two processes with these clock identities read the same clock; unknown is no."""
    return bool(one) and one == other
