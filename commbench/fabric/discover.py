"""All of a host's fabrics from one root."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from commbench.fabric.devices import Devices, Gpu
from commbench.fabric.interfaces import network_interfaces
from commbench.fabric.nvlink import nvml_gpus
from commbench.fabric.pci import place_of
from commbench.fabric.rdma import rdma_ports
from commbench.fabric.sysfs import SYS, entries, text

PROC = Path("/proc")

_NVIDIA, _DISPLAY_CLASSES = "0x10de", ("0x0300", "0x0302")  # PCI vendor; VGA and 3D controllers

AskNvml = Callable[[], tuple[tuple[Gpu, ...], str]]


def discover(root: Path = SYS, ask_nvml: AskNvml = nvml_gpus) -> Devices:
    """Return the RDMA ports, interfaces and GPUs of the host under a sysfs tree.

    Any other root than /sys is another machine's tree: neither /proc nor NVML of this one is asked about it.
    """
    if root != SYS:
        return Devices(rdma_ports(root), network_interfaces(root), _pci_gpus(root))
    gpus, note = ask_nvml()
    placed = tuple(replace(gpu, place=place_of(root / "bus/pci/devices" / gpu.pci_address)) for gpu in gpus)
    return Devices(rdma_ports(root), network_interfaces(root, PROC), placed or _pci_gpus(root), note)


def _pci_gpus(root: Path) -> tuple[Gpu, ...]:
    """Return NVIDIA GPUs by what PCI says of them; nothing is known of their NVLinks."""
    folders = [
        folder
        for folder in entries(root / "bus/pci/devices")
        if text(folder / "vendor") == _NVIDIA and text(folder / "class").startswith(_DISPLAY_CLASSES)
    ]
    return tuple(Gpu(index, pci_address=folder.name, place=place_of(folder)) for index, folder in enumerate(folders))
