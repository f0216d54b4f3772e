"""Whether every rank has a core of its own, and all of it."""

from commbench.doctor.finding import Finding, Level
from commbench.doctor.host import Host, text
from commbench.environment.cgroup import CpuGroup

# Clock sources that are read without entering the kernel. Source: the vdso of x86, arm64, s390 and Hyper-V.
_FAST_CLOCKS = ("tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page", "tod", "timebase")


class Cores:
    """Ranks on one core take turns, and each waits for the other's turn to end."""

    name = "cores"

    def look(self, host: Host) -> Finding | None:
        cpus, cores = len(host.cpus()), host.cores()
        have = f"{cpus} usable CPUs on {cores} cores"
        if not host.ranks:
            return Finding(self.name, Level.OK, f"{have}: up to {cores} ranks have one each")
        if host.ranks <= cores:
            return Finding(self.name, Level.OK, f"{have} for {host.ranks} ranks")
        shared = "take turns on CPUs" if host.ranks > cpus else "share cores as hyper-threads"
        return Finding(
            self.name,
            Level.WARN,
            f"{have} for {host.ranks} ranks",
            f"ranks {shared}: times are those of the scheduler as much as those of the interconnect",
            f"run with --ranks {cores} or fewer, or on more hosts",
        )


class Smt:
    """Two threads of one core are not two cores."""

    name = "SMT"

    def look(self, host: Host) -> Finding | None:
        active = text(host.cpu_folder / "smt/active")
        if not active:
            return None
        if active == "0":
            return Finding(self.name, Level.OK, "off")
        if host.ranks <= host.cores():
            return Finding(self.name, Level.OK, "on; there are cores enough for the ranks")
        return Finding(
            self.name,
            Level.WARN,
            "on, and there are more ranks than cores",
            "a rank is slower while its neighbour on the core computes",
            "use fewer ranks, or bind each to a core of its own (`taskset`, `numactl --physcpubind`)",
        )


class Quota:
    """A container out of its CPU quota stands still until the next period, usually of 100 ms."""

    name = "CPU quota"

    def look(self, host: Host) -> Finding | None:
        group = CpuGroup.of_this_process(host.proc, host.sys / "fs/cgroup")
        quota, throttled_s = group.quota_cpus(), group.throttled_s() or 0.0
        if quota is None:
            return Finding(self.name, Level.OK, "none")
        wanted = min(host.ranks or 1, len(host.cpus()))
        found = f"{quota:g} CPUs, {throttled_s:.1f} s cut off so far"
        if quota >= wanted and not throttled_s:
            return Finding(self.name, Level.OK, found)
        return Finding(
            self.name,
            Level.FAIL if quota < wanted else Level.WARN,
            found,
            "ranks stand still for tens of milliseconds once the quota is used up: the tail is the quota's",
            "raise the limit (docker --cpus, Kubernetes limits.cpu) or remove it, and pin CPUs (--cpuset-cpus) instead",
        )


class ClockSource:
    """Every sample takes two stamps of this clock."""

    name = "clock source"

    def look(self, host: Host) -> Finding | None:
        folder = host.sys / "devices/system/clocksource/clocksource0"
        clock = text(folder / "current_clocksource")
        if not clock:
            return None
        if clock in _FAST_CLOCKS:
            return Finding(self.name, Level.OK, clock)
        return Finding(
            self.name,
            Level.WARN,
            f"{clock}, of {text(folder / 'available_clocksource')}",
            "a stamp enters the kernel and costs a microsecond or more, which every sample then includes",
            f"echo tsc | sudo tee {folder}/current_clocksource, or boot with clocksource=tsc tsc=reliable",
        )
