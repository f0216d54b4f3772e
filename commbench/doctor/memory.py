"""What memory does to calls: pinning it, paging it, and sharing it between ranks."""

import os

from commbench.doctor.finding import Finding, Level
from commbench.doctor.host import Host, text
from commbench.units import format_size

_BYTES_PER_KIB = 1024
_ENOUGH_SHM_BYTES = 2**30  # NCCL's user guide, troubleshooting: docker run --shm-size=1g
_ENOUGH_LOCKED_BYTES = 2**30  # NCCL registers its buffers and the user's; only unlimited is never too little


class LockedMemory:
    """RDMA needs pinned memory, and a limit on it ends the run or sends it over sockets."""

    name = "locked memory"

    def look(self, host: Host) -> Finding | None:
        lines = text(host.proc / "self/limits").splitlines()
        limit = next((line.split()[3] for line in lines if line.startswith("Max locked memory")), "")
        if not limit:
            return None
        has_rdma = any((host.sys / "class/infiniband").glob("*"))
        found = limit if limit == "unlimited" else f"at most {format_size(int(limit))}"
        if limit == "unlimited" or int(limit) >= _ENOUGH_LOCKED_BYTES:
            return Finding(self.name, Level.OK, found)
        if not has_rdma:
            return Finding(self.name, Level.OK, f"{found}; enough, as there is no RDMA device here")
        return Finding(
            self.name,
            Level.FAIL,
            f"{found}, and there are RDMA devices",
            "NCCL cannot register its buffers: the run fails, or falls back to sockets",
            "ulimit -l unlimited (limits.conf, systemd LimitMEMLOCK=infinity, docker --ulimit memlock=-1)",
        )


class HugePages:
    """The kernel may stop a rank to build a huge page."""

    name = "transparent huge pages"

    def look(self, host: Host) -> Finding | None:
        folder = host.sys / "kernel/mm/transparent_hugepage"
        enabled, defrag = (_chosen(text(folder / name)) for name in ("enabled", "defrag"))
        if not enabled:
            return None
        if enabled != "always" or defrag != "always":
            return Finding(self.name, Level.OK, enabled)
        return Finding(
            self.name,
            Level.WARN,
            "always, and built at once (defrag: always)",
            "a first touch of memory can wait for compaction: rare calls are slower by milliseconds",
            f"echo madvise | sudo tee {folder}/defrag",
        )


class Swap:
    """Memory that went to disk comes back in the middle of a call."""

    name = "swap"

    def look(self, host: Host) -> Finding | None:
        rows = [line.split() for line in text(host.proc / "swaps").splitlines()[1:]]
        used_bytes = sum(int(row[3]) for row in rows) * _BYTES_PER_KIB
        if not rows:
            return Finding(self.name, Level.OK, "none")
        if not used_bytes:
            return Finding(self.name, Level.OK, "there, but unused")
        return Finding(
            self.name,
            Level.WARN,
            f"{format_size(used_bytes)} in use",
            "a call that touches swapped memory waits for a disk",
            "free memory, then sudo swapoff -a",
        )


class SharedMemory:
    """Ranks of one host talk through /dev/shm."""

    name = "shared memory"

    def look(self, host: Host) -> Finding | None:
        remedy = "docker run --shm-size=1g (or --ipc=host), Kubernetes: an emptyDir of medium Memory on /dev/shm"
        changes = "NCCL's shared-memory transport fails between the ranks of a host"
        try:
            room = os.statvfs(host.dev / "shm")
        except OSError:
            return Finding(self.name, Level.WARN, f"there is no {host.dev / 'shm'}", changes, remedy)
        return self.judge(room.f_frsize * room.f_blocks, changes, remedy)

    def judge(self, size_bytes: int, changes: str, remedy: str) -> Finding:
        """Return what a size in bytes means."""
        found = f"{format_size(size_bytes)} in /dev/shm"
        if size_bytes >= _ENOUGH_SHM_BYTES:
            return Finding(self.name, Level.OK, found)
        return Finding(self.name, Level.WARN, found, changes, remedy)


def _chosen(line: str) -> str:
    """Return the bracketed word of a line such as `always [madvise] never`."""
    return line.partition("[")[2].partition("]")[0]
