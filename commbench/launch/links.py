"""Which network links of this host are up, and which way leads to another host."""

import socket
from pathlib import Path

import psutil

_ROUTE_PORT = 9  # any: connecting a datagram socket asks the kernel for a route and sends nothing


def links_up(root: Path = Path("/sys/class")) -> frozenset[str]:
    """Return the network interfaces and InfiniBand or RoCE ports that are up."""
    ports = {
        f"{path.parts[-4]}:{path.parts[-2]}"
        for path in root.glob("infiniband/*/ports/*/state")
        if "ACTIVE" in _text(path)
    }
    return frozenset(ports | {path.parent.name for path in root.glob("net/*/operstate") if _text(path) == "up"})


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def interface_towards(hosts: tuple[str, ...]) -> str:
    """Return the interface that leads to the first of some hosts that is not this one; empty when there is none."""
    for host in hosts:
        try:
            family, kind, _, _, address = socket.getaddrinfo(host, _ROUTE_PORT, type=socket.SOCK_DGRAM)[0]
            with socket.socket(family, kind) as probe:
                probe.connect(address)
                mine = probe.getsockname()[0]
        except OSError:
            continue
        for name, addresses in psutil.net_if_addrs().items():
            is_here = any(each.address.partition("%")[0] == mine for each in addresses)
            if is_here and mine != address[0] and not mine.startswith("127."):
                return name
    return ""
