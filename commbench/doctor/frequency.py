"""Whether the CPUs keep their speed."""

from commbench.doctor.finding import Finding, Level
from commbench.doctor.host import Host, text


class Governor:
    """Frequency scaling makes the first calls after a pause slower than the rest."""

    name = "CPU frequency"

    def look(self, host: Host) -> Finding | None:
        governors = [text(host.cpu_folder / f"cpu{cpu}/cpufreq/scaling_governor") for cpu in host.cpus()]
        seen = sorted({governor for governor in governors if governor})
        if not seen:
            return Finding(self.name, Level.OK, "the kernel scales no frequencies here, as in most virtual machines")
        slow = [governor for governor in seen if governor != "performance"]
        if not slow:
            return Finding(self.name, Level.OK, "the performance governor on all usable CPUs")
        count = sum(governor in slow for governor in governors)
        return Finding(
            self.name,
            Level.WARN,
            f"the {' and '.join(slow)} governor on {count} of {len(governors)} usable CPUs",
            "small messages are slower after every pause, so times depend on what ran before",
            "sudo cpupower frequency-set -g performance",
        )


class Throttling:
    """A CPU too hot has slowed down, and will again."""

    name = "CPU throttling"

    def look(self, host: Host) -> Finding | None:
        folders = [host.cpu_folder / f"cpu{cpu}/thermal_throttle" for cpu in host.cpus()]
        counts = [text(folder / f"{part}_throttle_count") for folder in folders for part in ("core", "package")]
        known = [int(count) for count in counts if count]
        if not known:
            return None  # virtual machines, and CPUs that do not say
        if not any(known):
            return Finding(self.name, Level.OK, "no CPU was throttled since boot")
        return Finding(
            self.name,
            Level.WARN,
            f"CPUs were throttled for heat up to {max(known)} times since boot",
            "long runs get slower with time, and hosts differ from each other",
            "look at cooling and power limits (`turbostat`); compare the count after a run",
        )
