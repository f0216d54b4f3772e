"""PCI: where a device sits, how wide its link is, and which NIC is near which GPU."""

import re
from collections.abc import Sequence
from pathlib import Path

from commbench.fabric.devices import PciPlace, Port
from commbench.fabric.sysfs import number, text

_ADDRESS = re.compile(r"^[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$")
_UNKNOWN_WIDTHS = {0, 255}  # what a virtual function or a link that is down reports


def place_of(device: Path) -> PciPlace:
    """Return where the device behind a sysfs folder or link sits; an empty place when it is not on PCI."""
    try:
        real = device.resolve(strict=True)
    except (OSError, RuntimeError):
        return PciPlace()
    parts = [(part, folder) for folder in (real, *real.parents) if _ADDRESS.match(part := folder.name)]
    if not parts:
        return PciPlace()
    folder = parts[0][1]
    numa = number(folder / "numa_node")
    return PciPlace(
        path=tuple(part for part, _ in reversed(parts)),
        numa_node=-1 if numa is None else numa,
        speed_gt_s=_speed(folder / "current_link_speed"),
        max_speed_gt_s=_speed(folder / "max_link_speed"),
        width=_width(folder / "current_link_width"),
        max_width=_width(folder / "max_link_width"),
    )


def common_prefix(one: PciPlace, other: PciPlace) -> int:
    """Return how many PCI bridges two devices share, counted from the root; 0 = only the host bridge, or not known."""
    shared = 0
    for left, right in zip(one.path[:-1], other.path[:-1], strict=False):
        if left != right:
            break
        shared += 1
    return shared


def nearest_ports(place: PciPlace, ports: Sequence[Port]) -> tuple[Port, ...]:
    """Return the ports that share most bridges with a device, at least one; none when no port shares any."""
    shared = [common_prefix(place, port.place) for port in ports]
    best = max(shared, default=0)
    return tuple(port for port, count in zip(ports, shared, strict=True) if best and count == best)


def _speed(path: Path) -> float:
    """Return GT/s of a line such as `16.0 GT/s PCIe`; 0 when unknown."""
    try:
        return float(text(path).split(" ", 1)[0])
    except ValueError:
        return 0.0


def _width(path: Path) -> int:
    lanes = number(path) or 0
    return 0 if lanes in _UNKNOWN_WIDTHS else lanes
