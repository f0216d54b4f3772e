"""NVLink: all links of all GPUs, and the fabric that an NVSwitch makes of them."""

from commbench.doctor.finding import Finding, Level
from commbench.doctor.host import Host


class NvlinkLinks:
    """A GPU that lost a link slows the whole host down; one that lost all of them sends over PCIe."""

    name = "NVLink"

    def look(self, host: Host) -> Finding | None:
        gpus, note = host.devices.gpus, host.devices.nvml_note
        if note:
            return Finding(self.name, Level.SKIP, note, remedy="pip install nvidia-ml-py, and look at `nvidia-smi`")
        most = max((gpu.links_active for gpu in gpus), default=0)
        if not most:
            return None
        fewer = [f"GPU {gpu.index} {gpu.links_active} of {gpu.links}" for gpu in gpus if gpu.links_active < most]
        if not fewer:
            rates = sorted({f"{gpu.link_rate_gb_s:g} GB/s" for gpu in gpus if gpu.link_rate_gb_s})
            return Finding(self.name, Level.OK, f"{most} links on each of {len(gpus)} GPUs, {', '.join(rates)}")
        return Finding(
            self.name,
            Level.FAIL,
            f"{', '.join(fewer)} active, others {most}",
            "collectives inside the host run at the rate of the GPU with the fewest links",
            "nvidia-smi nvlink --status; reset the GPUs, then look for Xid errors in dmesg and replace what has them",
        )


class NvlinkFabric:
    """Links train in hardware: only the fabric's state says that GPUs may use them."""

    name = "NVLink fabric"

    def look(self, host: Host) -> Finding | None:
        members = [gpu for gpu in host.devices.gpus if gpu.fabric_state]
        if not members:
            return None
        bad = [
            f"GPU {gpu.index} {gpu.fabric_state}, {gpu.fabric_status}"
            for gpu in members
            if (gpu.fabric_state, gpu.fabric_status) != ("completed", "success")
        ]
        if not bad:
            return Finding(self.name, Level.OK, f"completed on {len(members)} GPUs")
        return Finding(
            self.name,
            Level.FAIL,
            "; ".join(bad),
            "CUDA does not start on these GPUs, or sees no peers over NVLink",
            "systemctl status nvidia-fabricmanager; its version must be the driver's; then reset the GPUs",
        )
