"""Who else uses this host's CPUs, now."""

import os
from pathlib import Path

from commbench.doctor.finding import Finding, Level
from commbench.doctor.host import Host, text
from commbench.environment.noise import Noise, NoiseGauge

_LOOK_S = 0.5
_TOP = 3
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_STEAL = 7  # field of the "cpu" line of /proc/stat
_UTIME, _STIME = 11, 12  # fields of /proc/PID/stat after the name: proc(5)

NOISY_SHARE = 0.05  # others' share of the CPUs from which tails are theirs
HOPELESS_SHARE = 0.30  # and from which medians are: design 5.C18
STOLEN_SHARE = 0.01


class Tenants:
    """Other processes take the CPU from a rank in the middle of a call."""

    name = "other tenants"

    def look(self, host: Host) -> Finding | None:
        noise, top = watch(host)
        if noise.others_share is None:
            return None
        found = f"others use {noise.others_share:.0%} of the CPUs (load average {noise.load:.2f})"
        if noise.others_share < NOISY_SHARE:
            return Finding(self.name, Level.OK, found)
        return Finding(
            self.name,
            Level.FAIL if noise.others_share >= HOPELESS_SHARE else Level.WARN,
            f"{found}: {', '.join(top)}" if top else found,
            "ranks wait for a CPU in the middle of a call: tails, then medians, are those of the neighbours",
            "stop them, wait for them, or keep ranks and others on different cores (`taskset -c`)",
        )


class Steal:
    """A hypervisor that takes the CPU away leaves no trace but this."""

    name = "stolen time"

    def look(self, host: Host) -> Finding | None:
        ticks = [int(number) for number in text(host.proc / "stat").partition("\n")[0].split()[1:]]
        if not any(ticks):
            return None
        share = ticks[_STEAL] / sum(ticks[: _STEAL + 1])
        found = f"the hypervisor took {share:.1%} of the CPUs since boot"
        if share < STOLEN_SHARE:
            return Finding(self.name, Level.OK, found)
        return Finding(
            self.name,
            Level.WARN,
            found,
            "ranks stop for milliseconds, and no counter inside this machine says which call it hit",
            "ask for dedicated CPUs, or measure several launches at different times",
        )


def watch(host: Host, seconds: float = _LOOK_S) -> tuple[Noise, tuple[str, ...]]:
    """Watch the CPUs for a while; return the noise and the processes that used most, by name and share of a CPU."""
    gauge = NoiseGauge([os.getpid()], proc=host.proc)
    before, used_before = gauge.reading(), _used_ticks(host.proc)
    host.pause(seconds)
    noise, used = gauge.between(before, gauge.reading()), _used_ticks(host.proc)
    shares = sorted(
        ((ticks - used_before[key]) / _TICKS_PER_S / noise.elapsed_s, *key)
        for key, ticks in used.items()
        if key in used_before and ticks > used_before[key] and key[0] != os.getpid()
    )
    top = tuple(f"{name} (pid {pid}) {share:.0%} of a CPU" for share, pid, name in reversed(shares[-_TOP:]))
    return noise, top


def _used_ticks(proc: Path) -> dict[tuple[int, str], int]:
    """Return the CPU time in ticks of every process, by pid and name; never its arguments, which may hold secrets."""
    used = {}
    for folder in proc.glob("[0-9]*"):
        head, _, tail = text(folder / "stat").rpartition(")")
        fields = tail.split()
        if len(fields) > _STIME:
            used[int(folder.name), head.partition("(")[2]] = int(fields[_UTIME]) + int(fields[_STIME])
    return used
