"""Whether the GPUs are ready: driver loaded, memory sound, clocks up, nobody else on them."""

from commbench.doctor.finding import Finding, Level
from commbench.doctor.host import Host

# Bits of clocks_throttle_reasons.active that mean slower than asked for; idle (1) and chosen clocks (2) do not.
# Source: nvml.h, nvmlClocksThrottleReason*.
_SLOWED = {4: "power cap", 8: "hardware slowdown", 32: "heat", 64: "heat (hardware)", 128: "power brake"}
_BUSY_PERCENT = 5


class Persistence:
    """Without persistence mode the driver unloads between runs, and clocks start from nothing."""

    name = "GPU persistence"

    def look(self, host: Host) -> Finding | None:
        off = [str(i) for i, gpu in enumerate(host.gpus) if gpu["persistence_mode"] == "Disabled"]
        return _finding(
            host,
            self.name,
            f"off on GPU {', '.join(off)}" if off else "",
            "the driver loads and unloads around every run: first calls take seconds, GPU clocks restart",
            "sudo nvidia-smi -pm 1",
        )


class GpuThrottling:
    """A GPU that slows itself down looks like a slow network."""

    name = "GPU throttling"

    def look(self, host: Host) -> Finding | None:
        slowed = []
        for i, gpu in enumerate(host.gpus):
            reasons = _number(gpu["clocks_throttle_reasons.active"], 16)
            slowed += [f"GPU {i}: {reason}" for bit, reason in _SLOWED.items() if reasons & bit]
        return _finding(
            host,
            self.name,
            ", ".join(slowed),
            "kernels on this GPU are slower, and all ranks wait for it",
            "look at cooling and power (`nvidia-smi -q -d PERFORMANCE,POWER,TEMPERATURE`), or lock clocks (-lgc)",
        )


class Ecc:
    """Uncorrected memory errors mean a broken GPU; ECC off means nobody would know."""

    name = "GPU memory"

    def look(self, host: Host) -> Finding | None:
        broken = [
            str(i) for i, gpu in enumerate(host.gpus) if _number(gpu["ecc.errors.uncorrected.volatile.total"], 10)
        ]
        if broken:
            return Finding(
                self.name,
                Level.FAIL,
                f"uncorrected errors on GPU {', '.join(broken)}",
                "results can be wrong, and the driver may stop the run",
                "reset the GPU or replace it (`nvidia-smi -q -d ECC`)",
            )
        off = [str(i) for i, gpu in enumerate(host.gpus) if gpu["ecc.mode.current"] == "Disabled"]
        return _finding(
            host,
            self.name,
            f"ECC is off on GPU {', '.join(off)}" if off else "",
            "memory errors go unnoticed, and memory is a few percent faster than on GPUs with ECC",
            "sudo nvidia-smi -e 1, then reboot; or keep it off on all hosts",
        )


class GpuTenants:
    """Kernels of others on the same GPU delay ours."""

    name = "GPU tenants"

    def look(self, host: Host) -> Finding | None:
        busy = [
            f"GPU {i}: {gpu['utilization.gpu']} %"
            for i, gpu in enumerate(host.gpus)
            if _number(gpu["utilization.gpu"], 10) >= _BUSY_PERCENT
        ]
        return _finding(
            host,
            self.name,
            f"in use now: {', '.join(busy)}" if busy else "",
            "kernels of others delay ours",
            "wait for them or choose other GPUs (CUDA_VISIBLE_DEVICES); `nvidia-smi` names the processes",
        )


def _finding(host: Host, name: str, problem: str, changes: str, remedy: str) -> Finding | None:
    if not host.gpus:
        return None
    if not problem:
        return Finding(name, Level.OK, f"all is well on {len(host.gpus)} x {host.gpus[0]['name']}")
    return Finding(name, Level.WARN, problem, changes, remedy)


def _number(cell: str, base: int) -> int:
    """Return a cell's number; 0 for `[N/A]` and other words for unknown."""
    try:
        return int(cell, base)
    except ValueError:
        return 0
