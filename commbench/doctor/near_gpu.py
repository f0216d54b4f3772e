"""The way from a GPU to its NIC: PCIe width, who shares a switch, and whether the NIC reads GPU memory by itself."""

import re

from commbench.doctor.finding import Finding, Level
from commbench.doctor.host import Host, text
from commbench.fabric.devices import PciPlace
from commbench.fabric.pci import nearest_ports

_PEER_MODULES = ("nvidia_peermem", "nv_peer_mem")
_ACS_ON = re.compile(r"ACSCtl:.*SrcValid\+")


class PcieLinks:
    """A NIC in a narrow or slow slot cannot reach its line rate."""

    name = "PCIe links"

    def look(self, host: Host) -> Finding | None:
        nics = {port.device: port.place for port in host.devices.ports if port.place.max_width}
        gpus = {f"GPU {gpu.index}": gpu.place for gpu in host.devices.gpus if gpu.place.max_width}
        if not nics and not gpus:
            return None
        # GPUs lower the speed of an idle link on purpose; its width they keep.
        narrow = [
            f"{name} x{place.width} of x{place.max_width}" for name, place in (nics | gpus).items() if _narrow(place)
        ]
        slow = [
            f"{name} {place.speed_gt_s:g} of {place.max_speed_gt_s:g} GT/s"
            for name, place in nics.items()
            if 0 < place.speed_gt_s < place.max_speed_gt_s
        ]
        if not narrow and not slow:
            return Finding(self.name, Level.OK, f"{len(nics)} NICs and {len(gpus)} GPUs at full width")
        return Finding(
            self.name,
            Level.WARN,
            "; ".join(narrow + slow),
            "the device moves less than its line rate, and all ranks wait for it",
            'reseat the card, look at riser and BIOS (bifurcation), and `dmesg | grep "limited by"`',
        )


class Rails:
    """A GPU without a NIC behind its own PCIe switch sends through the CPU, or through another GPU's NIC."""

    name = "GPU and NIC"

    def look(self, host: Host) -> Finding | None:
        ports = [port for port in host.devices.ports if port.is_active and port.place.path]
        gpus = [gpu for gpu in host.devices.gpus if gpu.place.path]
        if not ports or not gpus:
            return None
        near = {gpu.index: nearest_ports(gpu.place, ports) for gpu in gpus}
        pairs = [f"GPU {index}: {', '.join(port.name for port in found)}" for index, found in near.items() if found]
        alone = [str(index) for index, found in near.items() if not found]
        if not alone:
            return Finding(self.name, Level.OK, "; ".join(pairs))
        if not pairs:
            return Finding(self.name, Level.OK, "no GPU shares a PCIe switch with a NIC, as in most virtual machines")
        return Finding(
            self.name,
            Level.WARN,
            f"no NIC behind the PCIe switch of GPU {', '.join(alone)} ({'; '.join(pairs)})",
            "these GPUs send through the CPU or another GPU, slower than the rest, and all wait for them",
            "look at slots and at ports that are down (`nvidia-smi topo -m`)",
        )


class GpuDirect:
    """With GPUDirect RDMA the NIC reads GPU memory itself; without it every byte goes through host memory."""

    name = "GPUDirect RDMA"

    def look(self, host: Host) -> Finding | None:
        if not host.devices.gpus or not any(port.is_active for port in host.devices.ports):
            return None
        module = next((name for name in _PEER_MODULES if (host.sys / "module" / name).exists()), "")
        if module:
            return Finding(self.name, Level.OK, f"through {module}")
        driver = text(host.proc / "driver/nvidia/version")
        if "Open Kernel Module" in driver:
            return Finding(self.name, Level.OK, "through dma-buf: the open kernel modules are loaded")
        return Finding(
            self.name,
            Level.WARN,
            "neither nvidia_peermem nor the open kernel modules (dma-buf) are loaded",
            "bytes between hosts go through host memory: half the rate or less",
            "sudo modprobe nvidia_peermem; NCCL's log then says GDRDMA on its channels",
        )


class Acs:
    """Access control sends traffic between neighbours on a PCIe switch up to the CPU and back."""

    name = "PCIe ACS"

    def look(self, host: Host) -> Finding | None:
        if not host.devices.gpus or len(host.devices.gpus) + len(host.devices.ports) <= 1:
            return None
        listed = host.ask(["lspci", "-vvv"])
        if listed is None or "ACSCtl" not in listed:
            why = "lspci is not installed" if listed is None else "lspci shows no ACS capability to this user"
            return Finding(self.name, Level.SKIP, why, remedy="apt install pciutils, and run commbench doctor as root")
        on = len(_ACS_ON.findall(listed))
        if not on:
            return Finding(self.name, Level.OK, "off on all bridges")
        return Finding(
            self.name,
            Level.WARN,
            f"on for {on} bridges",
            "GPUDirect between neighbours goes through the CPU: less rate, or hangs on bare metal",
            "switch it off in the BIOS or with setpci; in a virtual machine it must stay, and the NIC needs ATS",
        )


def _narrow(place: PciPlace) -> bool:
    return 0 < place.width < place.max_width
