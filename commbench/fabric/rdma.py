"""RDMA ports from /sys/class/infiniband. Source of the formats: the kernel's drivers/infiniband/core/sysfs.c."""

import ipaddress
import re
from pathlib import Path

from commbench.fabric.devices import Gid, Port
from commbench.fabric.pci import place_of
from commbench.fabric.sysfs import SYS, entries, link_name, number, text

# `400 Gb/sec (4X NDR)`, `2.5 Gb/sec (1X SDR)`; kernels before 5.12 leave the name of the slowest speed out. The name is
# that of speed x width, on Ethernet as well.
_RATE = re.compile(r"^([\d.]+) Gb/sec(?: \((.*)\))?")


def rdma_ports(root: Path = SYS, *, with_gids: bool = True) -> tuple[Port, ...]:
    """Return every port of every RDMA device under a sysfs tree, active or not.

    A port has up to 256 GIDs of three files each; readings of counters around timed calls do without them.
    """
    return tuple(
        _port(device, folder, with_gids=with_gids)
        for device in entries(root / "class/infiniband")
        for folder in entries(device / "ports")
        if folder.name.isdecimal()
    )


def _port(device: Path, folder: Path, *, with_gids: bool) -> Port:
    rate = _RATE.match(text(folder / "rate"))
    gids = _gids(folder) if with_gids else ()
    return Port(
        device=device.name,
        port=int(folder.name),
        link_layer=text(folder / "link_layer") or _layer_without_file(device, gids),
        driver=link_name(device / "device/driver"),
        hca_type=text(device / "hca_type"),
        firmware=text(device / "fw_ver"),
        rate_gbit_s=float(rate[1]) if rate else None,
        rate_label=(rate[2] or "").strip() if rate else "",
        state=_word(folder / "state"),
        phys_state=_word(folder / "phys_state"),
        lid=number(folder / "lid") or 0,
        sm_lid=number(folder / "sm_lid") or 0,
        gids=gids,
        interfaces=tuple(dict.fromkeys(gid.interface for gid in gids if gid.interface)),
        place=place_of(device / "device"),
    )


def _word(path: Path) -> str:
    """Return `ACTIVE` of `4: ACTIVE`."""
    return text(path).rpartition(":")[2].strip()


def _layer_without_file(device: Path, gids: tuple[Gid, ...]) -> str:
    """Return the layer of a device that has no link_layer file: soft RoCE names the interface that it stands on."""
    return "Ethernet" if (device / "parent").exists() or any(gid.interface for gid in gids) else ""


def _gids(folder: Path) -> tuple[Gid, ...]:
    found = []
    for path in entries(folder / "gids"):
        address = _address(text(path))
        if not path.name.isdecimal() or not address:
            continue  # unused: all zero, or a gap in the table
        attributes = folder / "gid_attrs"
        kind, interface = text(attributes / "types" / path.name), text(attributes / "ndevs" / path.name)
        found.append(Gid(int(path.name), address, kind, interface))
    return tuple(found)


def _address(line: str) -> str:
    try:
        address = ipaddress.IPv6Address(line)
    except ValueError:
        return ""
    # A port without an assigned subnet prefix still has an interface id; only all zero means unused.
    return str(address) if int(address) else ""
