"""Bytes and errors that a host's ports and interfaces have counted, and what they counted between two readings."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from commbench.fabric.counter_rules import NOTABLE_ERRORS, Rule, difference, is_saturated, rule_of
from commbench.fabric.devices import IPOIB_TYPE, Interface, Port
from commbench.fabric.discover import PROC
from commbench.fabric.interfaces import network_interfaces, proc_counters
from commbench.fabric.names import INFINIBAND, TCP
from commbench.fabric.rdma import rdma_ports
from commbench.fabric.sysfs import SYS, entries, number

_BYTES_PER_WORD = 4  # source: InfiniBand's PortXmitData counts 4-byte words, and the kernel passes them on
# Columns of /proc/net/dev. Source: the kernel's net/core/net-procfs.c
_RX, _RX_ERRORS, _RX_DROP, _TX, _TX_ERRORS, _TX_DROP = 0, 2, 3, 8, 10, 11


@dataclass(frozen=True, slots=True)
class LinkReading:
    """What one link had counted at one moment; bytes are None where the link does not count them.

    `fabric` is the port's, or tcp. `lower` are the links that carry the same bytes below this one, such as a bond's
    members. `counters` holds raw values under the names that the kernel gives them.
    """

    link: str
    fabric: str
    tx_bytes: int | None
    rx_bytes: int | None
    lower: tuple[str, ...] = ()
    is_loopback: bool = False
    counters: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LinkDelta:
    """What one link counted between two readings; `notable` holds the counters of trouble that moved.

    A value of `saturated` counters is the least that happened.
    """

    link: str
    fabric: str
    tx_bytes: int | None
    rx_bytes: int | None
    lower: tuple[str, ...] = ()
    is_loopback: bool = False
    notable: Mapping[str, int] = field(default_factory=dict)
    saturated: tuple[str, ...] = ()


def snapshot(root: Path = SYS, proc: Path | None = PROC) -> tuple[LinkReading, ...]:
    """Return what every RDMA port and network interface of this host has counted so far.

    Interfaces are read from /proc, which shows those of this process's own network namespace whatever is mounted on
    /sys; without `proc` they are read from the tree.
    """
    columns = proc_counters(proc) if proc else {}
    found = rdma_ports(root, with_gids=False)
    interfaces = [_above_ports(one, found) for one in network_interfaces(root, proc)]
    return tuple(_port_reading(root, port) for port in found) + tuple(
        _interface_reading(root, one, columns.get(one.name)) for one in interfaces
    )


def deltas(before: tuple[LinkReading, ...], after: tuple[LinkReading, ...]) -> tuple[LinkDelta, ...]:
    """Return what each link counted between two snapshots; links that came or went meanwhile are left out."""
    earlier = {(reading.fabric, reading.link): reading for reading in before}
    return tuple(
        _delta(earlier[reading.fabric, reading.link], reading)
        for reading in after
        if (reading.fabric, reading.link) in earlier
    )


def _above_ports(interface: Interface, ports: Sequence[Port]) -> Interface:
    """Return an IPoIB interface as standing on its InfiniBand port: what it sends, the port counts as well."""
    if interface.type_code != IPOIB_TYPE:
        return interface
    of_fabric = [port for port in ports if port.fabric == INFINIBAND]
    own = [port for port in of_fabric if interface.place.path and port.place.path == interface.place.path]
    return replace(interface, lower=(*interface.lower, *(port.name for port in own or of_fabric)))


def _port_reading(root: Path, port: Port) -> LinkReading:
    folder = root / f"class/infiniband/{port.device}/ports/{port.port}"
    counters = {
        path.name: value
        for kind in ("counters", "hw_counters")
        for path in entries(folder / kind)
        if rule_of(path.name) is not Rule.NOT_A_COUNTER and (value := number(path)) is not None
    }
    sent, received = (counters.get(name) for name in ("port_xmit_data", "port_rcv_data"))
    return LinkReading(
        link=port.name,
        fabric=port.fabric,
        # EFA has no words to count but plain bytes. Source: the kernel's drivers/infiniband/hw/efa/efa_verbs.c
        tx_bytes=counters.get("tx_bytes") if sent is None else sent * _BYTES_PER_WORD,
        rx_bytes=counters.get("rx_bytes") if received is None else received * _BYTES_PER_WORD,
        counters=counters,
    )


def _interface_reading(root: Path, interface: Interface, columns: tuple[int, ...] | None) -> LinkReading:
    folder = root / f"class/net/{interface.name}/statistics"
    if columns:
        sent, received = columns[_TX], columns[_RX]
        places = {"rx_errors": _RX_ERRORS, "rx_dropped": _RX_DROP, "tx_errors": _TX_ERRORS, "tx_dropped": _TX_DROP}
        counters = {name: columns[place] for name, place in places.items()}
        return _of_interface(interface, sent, received, counters)
    names = ("rx_errors", "rx_dropped", "tx_errors", "tx_dropped")
    counters = {name: value for name in names if (value := number(folder / name)) is not None}
    return _of_interface(interface, number(folder / "tx_bytes"), number(folder / "rx_bytes"), counters)


def _of_interface(
    interface: Interface, sent: int | None, received: int | None, counters: Mapping[str, int]
) -> LinkReading:
    return LinkReading(interface.name, TCP, sent, received, interface.lower, interface.is_loopback, counters)


def _delta(before: LinkReading, after: LinkReading) -> LinkDelta:
    moved = {
        name: change
        for name in after.counters
        if name in NOTABLE_ERRORS
        and name in before.counters
        and (change := difference(name, before.counters[name], after.counters[name]))
    }
    full = [name for name in after.counters if name in NOTABLE_ERRORS and is_saturated(name, after.counters[name])]
    return LinkDelta(
        link=after.link,
        fabric=after.fabric,
        tx_bytes=_bytes(before.tx_bytes, after.tx_bytes),
        rx_bytes=_bytes(before.rx_bytes, after.rx_bytes),
        lower=after.lower,
        is_loopback=after.is_loopback,
        notable=moved,
        saturated=tuple(full),
    )


def _bytes(before: int | None, after: int | None) -> int | None:
    """Return the bytes between; None when not counted, or when the counter was reset meanwhile."""
    if before is None or after is None or after < before:
        return None
    return after - before
