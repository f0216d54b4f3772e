"""What the kernel's control groups grant this process: CPU time, and how often that was cut off."""

from dataclasses import dataclass, field
from pathlib import Path

from commbench.units import NS_PER_S, NS_PER_US

_PROC, _CGROUPS = Path("/proc"), Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class CpuGroup:
    """The CPU control group of this process and those above it, innermost first; of version 1 or 2.

    Source: Documentation/admin-guide/cgroup-v2.rst and Documentation/scheduler/sched-bwc.rst.
    """

    folders: tuple[Path, ...] = field(default=())

    @classmethod
    def of_this_process(cls, proc: Path = _PROC, root: Path = _CGROUPS) -> "CpuGroup":
        """Return the group; without folders where there is none that can be read."""
        try:
            lines = (proc / "self/cgroup").read_text().splitlines()
        except OSError:
            return cls()
        for line in lines:
            _, controllers, inside = line.split(":", 2)
            for top in _tops(root, controllers):
                if folders := _readable(top, inside):
                    return cls(folders)
        return cls()

    def quota_cpus(self) -> float | None:
        """Return how many CPUs' worth of time the tightest group grants; None when there is no limit."""
        quotas = [quota for folder in self.folders if (quota := _quota_cpus(folder)) is not None]
        return min(quotas, default=None)

    def throttled_s(self) -> float | None:
        """Return for how many seconds the innermost group was cut off so far; None when that cannot be read."""
        for folder in self.folders:
            facts = dict(line.split() for line in _text(folder / "cpu.stat").splitlines())
            if "throttled_usec" in facts:
                return int(facts["throttled_usec"]) * NS_PER_US / NS_PER_S
            if "throttled_time" in facts:
                return int(facts["throttled_time"]) / NS_PER_S
        return None


def _tops(root: Path, controllers: str) -> tuple[Path, ...]:
    """Return where a hierarchy of /proc/self/cgroup may be mounted, if CPU time can be limited in it."""
    if not controllers:
        return (root, root / "unified")  # version 2, alone or beside version 1
    return (root / controllers, root / "cpu") if "cpu" in controllers.split(",") else ()


def _readable(top: Path, inside: str) -> tuple[Path, ...]:
    """Return the group's folder and those above it that hold a cpu.stat; in a container the path may not show."""
    group = top / inside.lstrip("/")
    folders = [group, *(parent for parent in group.parents if parent.is_relative_to(top))]
    return tuple(folder for folder in folders if (folder / "cpu.stat").is_file())


def _quota_cpus(folder: Path) -> float | None:
    if words := _text(folder / "cpu.max").split():
        return None if words[0] == "max" else int(words[0]) / int(words[1])
    quota, period = _text(folder / "cpu.cfs_quota_us"), _text(folder / "cpu.cfs_period_us")
    return int(quota) / int(period) if quota and period and int(quota) > 0 else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError:
        return ""
