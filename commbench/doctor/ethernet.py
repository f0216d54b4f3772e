"""What RoCE needs of Ethernet: large frames, and one priority without loss."""

import re
from collections.abc import Iterable

from commbench.doctor.finding import Finding, Level
from commbench.doctor.host import Host, text
from commbench.fabric.names import ROCE

_WANTED_MTU = 4096  # bytes of an RDMA packet; the largest that InfiniBand and RoCE know
_WANTED_INTERFACE_MTU = 4200  # bytes; 4096 and the headers of RoCE v2
_PRIORITIES = range(8)
_PORT_LINES = re.compile(r"hca_id:\s*(\S+)|^\s*port:\s*(\d+)|active_mtu:\s*(\d+)", re.MULTILINE)
_PFC = re.compile(r"prio-pfc((?:\s+\d:\w+)+)")


class Mtu:
    """Small packets cost rate and CPU; ends with different sizes lose packets or refuse to connect."""

    name = "MTU"

    def look(self, host: Host) -> Finding | None:
        active = [port for port in host.devices.ports if port.is_active]
        if not active:
            return None
        small = [
            f"{interface.name} of {port.name} {interface.mtu}"
            for port in active
            for name in port.interfaces
            if (interface := host.devices.interface(name)) and 0 < interface.mtu < _WANTED_INTERFACE_MTU
        ]
        listed = host.ask(["ibv_devinfo"])
        mtus = active_mtus(listed or "")
        seen = {port.name: mtus[port.name] for port in active if port.name in mtus}
        small += [f"{name} {mtu}" for name, mtu in seen.items() if mtu < _WANTED_MTU]
        if small:
            return Finding(
                self.name,
                Level.WARN,
                f"less than {_WANTED_MTU} bytes: {', '.join(small)}",
                "large messages run a few percent below line rate; ends that differ fail to connect",
                f"ip link set <interface> mtu 9000 on hosts and switches (at least {_WANTED_INTERFACE_MTU})",
            )
        if not seen:
            return Finding(
                self.name,
                Level.SKIP,
                "ibv_devinfo is not there or says nothing, and sysfs does not hold the MTU of a port",
                remedy="apt install ibverbs-utils (or libibverbs-utils)",
            )
        return Finding(self.name, Level.OK, f"{min(seen.values())} bytes on {len(seen)} active ports")


class Priorities:
    """RoCE without flow control or ECN on its priority loses packets under load, and every loss costs milliseconds."""

    name = "RoCE priorities"

    def look(self, host: Host) -> Finding | None:
        ports = [port for port in host.devices.ports_of(ROCE) if port.is_active and port.interfaces]
        if not ports:
            return None
        said, bad, unseen = [], [], []
        for port, interface in [(one, name) for one in ports for name in one.interfaces]:
            marked, lossless = _ecn(host, interface), _pfc(host, interface)
            if marked is None and lossless is None:
                unseen.append(interface)
                continue
            if words := _wrong(marked, lossless):
                bad.append(f"{interface} of {port.name}: {words}")
            said.append(f"{interface}: ECN {_list(marked)}, PFC {_list(lossless)}")
        if bad:
            return Finding(
                self.name,
                Level.WARN,
                "; ".join(bad),
                "packets are lost when several hosts send to one, and calls wait for the retransmission timeout",
                "mlnx_qos -i <interface> --trust dscp --pfc 0,0,0,1,0,0,0,0; ECN and NCCL_IB_TC to the same priority",
            )
        if not said:
            return Finding(
                self.name,
                Level.SKIP,
                f"neither /sys/class/net/*/ecn nor `dcb pfc show` says anything of {', '.join(unseen)}",
                remedy="apt install iproute2 (dcb), and NVIDIA's driver for the ecn folder",
            )
        return Finding(self.name, Level.OK, "; ".join(said))


def active_mtus(devinfo: str) -> dict[str, int]:
    """Return the active MTU in bytes of each port in the text of ibv_devinfo."""
    found, device, port = {}, "", ""
    for name, number, mtu in _PORT_LINES.findall(devinfo):
        device, port = name or device, number or port
        if mtu:
            found[f"{device}:{port}"] = int(mtu)
    return found


def _ecn(host: Host, interface: str) -> tuple[int, ...] | None:
    """Return the priorities on which ECN works in both roles; None when the driver does not say."""
    folder = host.sys / "class/net" / interface / "ecn"
    states = {
        priority: {text(folder / role / "enable" / str(priority)) for role in ("roce_np", "roce_rp")}
        for priority in _PRIORITIES
    }
    if all(state == {""} for state in states.values()):
        return None
    return tuple(priority for priority, state in states.items() if state == {"1"})


def _pfc(host: Host, interface: str) -> tuple[int, ...] | None:
    found = _PFC.search(host.ask(["dcb", "pfc", "show", "dev", interface]) or "")
    if found is None:
        return None
    pairs = [pair.partition(":") for pair in found[1].split()]
    return tuple(int(priority) for priority, _, state in pairs if state == "on")


def _wrong(marked: Iterable[int] | None, lossless: tuple[int, ...] | None) -> str:
    if marked is not None and not marked and not lossless:
        return "neither ECN nor PFC is on for any priority" if lossless is not None else "ECN is on for no priority"
    if lossless is not None and len(lossless) > 1:
        return f"PFC is on for several priorities ({_list(lossless)}), and RoCE needs one"
    if marked is not None and lossless and not set(lossless) <= set(marked):
        return f"PFC is on for priority {_list(lossless)}, ECN for {_list(marked)}"
    return ""


def _list(priorities: Iterable[int] | None) -> str:
    if priorities is None:
        return "unknown"
    return ",".join(map(str, priorities)) or "off"
