"""What else this host did while we measured: CPU used by others, stolen by the hypervisor, cut off by a quota.

Source: Documentation/filesystems/proc.rst, section 1.7 (/proc/stat). Its numbers are ticks of 10 ms, so a share
over t seconds on n CPUs is good to 0.01 / (n t): two CPUs over 20 ms to 25 %, over 1 s to 0.5 %. Take `between` of
readings far apart rather than the mean of many short ones.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from commbench.environment.cgroup import CpuGroup
from commbench.units import NS_PER_S

_IDLE, _IOWAIT, _IRQ, _SOFTIRQ, _STEAL = 3, 4, 5, 6, 7  # fields of the "cpu" line; interrupts are mostly our traffic
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class NoiseReading:
    """The host's counters at one moment, in seconds since whenever; `cpus` is 0 when they could not be read."""

    at_s: float
    cpus: int
    free_s: float  # idle, or serving interrupts
    steal_s: float
    own_s: float
    throttled_s: float
    load: float


@dataclass(frozen=True, slots=True)
class Noise:
    """What others did to this host between two readings; shares are of all its CPUs' time, None where unknown."""

    others_share: float | None
    steal_share: float | None
    throttled_s: float
    load: float = 0.0  # processes that ran or wanted to, mean of the last minute
    elapsed_s: float = 0.0


class NoiseGauge:
    """Reads the host's counters; `pids` are ours and do not count as others.

    Without pids, ours are all processes that run the same command as this one: the ranks of a launch on this host.
    A reading costs 32 us on 2 CPUs (measured), more on hosts with many, and one system call per pid.
    """

    def __init__(self, pids: Sequence[int] | None = None, *, proc: Path = Path("/proc")) -> None:
        self._stat, self._load = proc / "stat", proc / "loadavg"
        self._group = CpuGroup.of_this_process(proc)
        self._pids = tuple(pids) if pids is not None else same_command(proc)

    def reading(self) -> NoiseReading:
        """Return the counters now."""
        at_s, own_s = time.monotonic(), sum(map(_cpu_time_s, self._pids))
        throttled_s = self._group.throttled_s() or 0.0
        try:
            total, *lines = self._stat.read_text(encoding="ascii").splitlines()
            ticks = [int(number) for number in total.split()[1:]]
            load = float(self._load.read_text(encoding="ascii").split()[0])
        except (OSError, ValueError):
            return NoiseReading(at_s, 0, 0.0, 0.0, own_s, throttled_s, 0.0)
        cpus = sum(line.startswith("cpu") for line in lines)
        free_s = sum(ticks[field] for field in (_IDLE, _IOWAIT, _IRQ, _SOFTIRQ)) / _TICKS_PER_S
        return NoiseReading(at_s, cpus, free_s, ticks[_STEAL] / _TICKS_PER_S, own_s, throttled_s, load)

    def between(self, before: NoiseReading, after: NoiseReading) -> Noise:
        """Return what others did between two readings.

        Others had what was neither free nor stolen nor ours: idle time is exact to a tick, while the busy fields are
        sampled, and blind to what always runs between two samples.
        """
        elapsed_s = after.at_s - before.at_s
        throttled_s = after.throttled_s - before.throttled_s
        capacity_s = elapsed_s * min(before.cpus, after.cpus)
        if capacity_s <= 0:
            return Noise(None, None, throttled_s, after.load, elapsed_s)
        steal_s = after.steal_s - before.steal_s
        others_s = capacity_s - (after.free_s - before.free_s) - steal_s - (after.own_s - before.own_s)
        return Noise(
            _share(others_s, capacity_s), _share(steal_s, capacity_s), throttled_s, after.load, elapsed_s=elapsed_s
        )


def same_command(proc: Path = Path("/proc")) -> tuple[int, ...]:
    """Return the processes of this host that run the same command as this one, itself included."""
    mine = _command(proc / "self")
    pids = {int(folder.name) for folder in proc.glob("[0-9]*") if mine and _command(folder) == mine}
    return tuple(sorted(pids | {os.getpid()}))


def _command(folder: Path) -> bytes:
    try:
        return (folder / "cmdline").read_bytes()
    except OSError:
        return b""  # ended meanwhile, or hidden from us


def _cpu_time_s(pid: int) -> float:
    """Return the CPU time of a process in seconds, exact to the ns; 0 when it has ended.

    Source: MAKE_PROCESS_CPUCLOCK of include/linux/posix-timers_types.h; 2 is CPUCLOCK_SCHED.
    """
    try:
        return time.clock_gettime_ns((~pid << 3) | 2) / NS_PER_S
    except OSError:
        return 0.0


def _share(part: float, whole: float) -> float:
    return min(max(part / whole, 0.0), 1.0)
