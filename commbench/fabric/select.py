"""From the fabric that was asked for to the environment variables of a launch.

NCCL reads its environment once and cannot mix link layers in one communicator, so a fabric is a launch of its own. No
variable says "use RoCE": ports are chosen by their link layer. Source: NCCL's user guide, environment variables.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from commbench.errors import UnfitError, UsageError
from commbench.fabric.devices import Devices, Interface, Port
from commbench.fabric.hca import ports_named, sockets_of
from commbench.fabric.names import EFA, INFINIBAND, NVLINK, RDMA, ROCE, SHM, TCP, Fabric

NCCL, GLOO = "nccl", "gloo"

MAX_HCAS = 32  # NCCL_IB_HCA takes no more. Source: NCCL's MAX_IB_DEVS
# NCCL has InfiniBand and RoCE in one network of its own; EFA comes with a plugin of this name.
_NETWORKS = {INFINIBAND: "IB", ROCE: "IB", EFA: "AWS Libfabric"}
# Interfaces of containers and virtual machines: NCCL skips docker*, and none of them leads to another host.
_NEVER_CHOSEN = ("docker", "br-", "virbr", "veth", "cni", "flannel", "cali", "tun", "tap")
# Both direct copies and shared memory off: ranks of one host talk through the network as well.
_THROUGH_NETWORK = {"NCCL_P2P_DISABLE": "1", "NCCL_SHM_DISABLE": "1", "NCCL_NVLS_ENABLE": "0"}


@dataclass(frozen=True, slots=True)
class Selection:
    """How a launch on one host gets its fabric: variables, and the links that then carry the bytes.

    `links` are names of ports (mlx5_0:1) or interfaces (eth0); empty inside a host and for plugins.
    `link_rate_gbit_s` is the rate of the slowest of them, None when unknown.
    """

    fabric: Fabric
    variables: Mapping[str, str] = field(default_factory=dict)
    links: tuple[str, ...] = ()
    link_rate_gbit_s: float | None = None


def select(fabric: Fabric, devices: Devices, backend: str, *, through_network: bool = False) -> Selection:
    """Return how a launch of a backend on a host with these devices gets the fabric.

    `through_network` makes the ranks of one host use it too. The fabric's own variables win over the preset's.

    Raises:
        UnfitError: this host has not what the fabric needs; the message says what is missing.
        UsageError: the backend cannot use such a fabric, or several interfaces could be meant.
    """
    if backend == GLOO:
        chosen = _for_gloo(fabric, devices)
    elif backend == NCCL:
        chosen = _for_nccl(fabric, devices, through_network=through_network)
    else:
        return Selection(fabric, dict(fabric.variables))
    return Selection(fabric, chosen.variables | dict(fabric.variables), chosen.links, chosen.rate_gbit_s)


@dataclass(frozen=True, slots=True)
class _Preset:
    variables: dict[str, str]
    links: tuple[str, ...] = ()
    rate_gbit_s: float | None = None


def _for_gloo(fabric: Fabric, devices: Devices) -> _Preset:
    if fabric.kind != TCP:
        raise UsageError(
            f"fabric {fabric.name}: gloo speaks TCP only, not {fabric.kind}; name the fabric tcp and give its "
            'interface (interface = "ib0" runs TCP over InfiniBand), or use the nccl backend'
        )
    interface = _interface(fabric, devices)
    return _Preset({"GLOO_SOCKET_IFNAME": interface.name}, (interface.name,), interface.speed_gbit_s)


def _for_nccl(fabric: Fabric, devices: Devices, *, through_network: bool) -> _Preset:
    if fabric.kind == NVLINK:
        _require_nvlink(fabric, devices)
        return _Preset({"NCCL_P2P_LEVEL": "NVL", "NCCL_SHM_DISABLE": "1"})
    if fabric.kind == SHM:
        return _Preset({"NCCL_P2P_DISABLE": "1", "NCCL_SHM_DISABLE": "0", "NCCL_NVLS_ENABLE": "0"})
    preset = _nccl_network(fabric, devices)
    return _Preset(preset.variables | (_THROUGH_NETWORK if through_network else {}), preset.links, preset.rate_gbit_s)


def _nccl_network(fabric: Fabric, devices: Devices) -> _Preset:
    if fabric.kind == TCP:
        interface = _interface(fabric, devices)
        # The second `=` asks for this very name: without it eth1 would select eth10 as well.
        variables = {"NCCL_NET": "Socket", "NCCL_NET_PLUGIN": "none", "NCCL_SOCKET_IFNAME": f"={interface.name}"}
        return _Preset(variables, (interface.name,), interface.speed_gbit_s)
    variables = {"NCCL_NET": _NETWORKS.get(fabric.kind, fabric.kind)}
    if fabric.interface:  # connections are set up over it, whatever carries the data
        variables["NCCL_SOCKET_IFNAME"] = f"={_interface(fabric, devices).name}"
    if fabric.kind not in RDMA:
        return _Preset(variables)
    ports = _active_ports(fabric, devices)
    if fabric.kind in {INFINIBAND, ROCE}:
        variables["NCCL_IB_HCA"] = f"={','.join(port.name for port in ports)}"
    if fabric.kind == ROCE:
        variables |= _gid_settings(fabric, ports)
    rates = [port.rate_gbit_s for port in ports if port.rate_gbit_s]
    return _Preset(variables, tuple(port.name for port in ports), min(rates, default=None))


def _active_ports(fabric: Fabric, devices: Devices) -> tuple[Port, ...]:
    of_kind = devices.ports_of(fabric.kind)
    if setting := fabric.variables.get("NCCL_IB_HCA"):  # the suite chose ports: those carry the bytes, and no others
        named = ports_named(setting, of_kind)
        if of_kind and not named:
            names = ", ".join(port.name for port in of_kind)
            raise UnfitError(f"fabric {fabric.name}: NCCL_IB_HCA={setting} names none of this host's {names}")
        of_kind = named
    active = tuple(port for port in of_kind if port.is_active)
    if fabric.kind == ROCE:
        addressed = tuple(port for port in active if port.roce_gid)
        if active and not addressed:
            raise UnfitError(
                f"fabric {fabric.name}: no RoCE port of this host has a RoCE v2 address: "
                f"{', '.join(port.name for port in active)}; give the interface of the port an IP address (`show_gids`)"
            )
        active = addressed
    if not active:
        raise UnfitError(f"fabric {fabric.name}: {_nothing_active(fabric.kind, of_kind, devices)}")
    if len(active) > MAX_HCAS:
        raise UnfitError(
            f"fabric {fabric.name}: {len(active)} ports are active, and NCCL takes {MAX_HCAS}; name the ones to use: "
            'variables = { NCCL_IB_HCA = "=mlx5_0:1,..." }'
        )
    return active


def _nothing_active(kind: str, of_kind: Sequence[Port], devices: Devices) -> str:
    words = {INFINIBAND: "InfiniBand", ROCE: "RoCE"}.get(kind, kind)
    if of_kind:
        return f"no active {words} port on this host; {'; '.join(describe_down(port) for port in of_kind)}"
    others = sorted({port.fabric for port in devices.ports if port.is_active and port.fabric})
    have = f"its RDMA devices are {' and '.join(others)}" if others else "it has no active RDMA device at all"
    return f"no {words} port on this host; {have} (`commbench list --fabrics`)"


def describe_down(port: Port) -> str:
    """Return a port's state with its likely cause, such as `mlx5_0:1 is DOWN (Polling: cable)`."""
    cause = {
        "Polling": "Polling: cable, or the other end is off",
        "Disabled": "Disabled: switched off by the administrator",
        "Sleep": "Sleep: switched off by the driver",
    }.get(port.phys_state, port.phys_state)
    if port.phys_state == "LinkUp" and not port.is_active:
        cause = "LinkUp: no subnet manager brought it up" if port.fabric == INFINIBAND else "LinkUp: interface is down"
    return f"{port.name} is {port.state or 'in no known state'}" + (f" ({cause})" if cause else "")


def _gid_settings(fabric: Fabric, ports: Sequence[Port]) -> dict[str, str]:
    """Return what makes NCCL (2.21 or newer) choose the GID itself: its index differs from port to port, pod to pod."""
    family = "AF_INET" if all(port.roce_gid and port.roce_gid.ipv4 for port in ports) else "AF_INET6"
    if family == "AF_INET6" and any(port.roce_gid and port.roce_gid.ipv4 for port in ports):
        raise UnfitError(
            f"fabric {fabric.name}: some RoCE ports have IPv4 addresses only and some IPv6 only, and NCCL takes one "
            'family; choose the ports: variables = { NCCL_IB_HCA = "=mlx5_0:1,..." }'
        )
    return {"NCCL_IB_ROCE_VERSION_NUM": "2", "NCCL_IB_ADDR_FAMILY": family}


def _interface(fabric: Fabric, devices: Devices) -> Interface:
    if fabric.interface:
        return _named(fabric, devices)
    if chosen := sockets_of(fabric.variables, devices):
        return chosen[0]
    candidates = tcp_interfaces(devices)
    if not candidates:
        names = ", ".join(f"{one.name} ({one.operstate})" for one in devices.interfaces) or "none"
        raise UnfitError(
            f"fabric {fabric.name}: no network interface leads to other hosts (there are: {names}); name one with "
            'interface = "..."; "lo" serves ranks on one host'
        )
    if len(candidates) > 1:
        names = ", ".join(one.name for one in candidates)
        raise UsageError(
            f"fabric {fabric.name}: several network interfaces are equally fast ({names}); say which one: "
            'interface = "..."'
        )
    return candidates[0]


def _named(fabric: Fabric, devices: Devices) -> Interface:
    interface = devices.interface(fabric.interface)
    if interface is None:
        names = ", ".join(one.name for one in devices.interfaces) or "none at all"
        raise UnfitError(f"fabric {fabric.name}: this host has no network interface {fabric.interface}; it has {names}")
    if not interface.is_up:
        raise UnfitError(
            f"fabric {fabric.name}: the network interface {interface.name} is {interface.operstate or 'not up'}; "
            f"`ip link set {interface.name} up`, or look at its cable"
        )
    return interface


def tcp_interfaces(devices: Devices) -> tuple[Interface, ...]:
    """Return the fastest interfaces that lead to other hosts: one is a choice, several are a question."""
    members = {name for one in devices.interfaces for name in one.lower if one.bond_mode}
    usable = [
        one
        for one in devices.interfaces
        if one.is_up and not one.is_loopback and one.name not in members and not one.name.startswith(_NEVER_CHOSEN)
    ]
    physical = [one for one in usable if not one.is_virtual or one.bond_mode] or usable
    fastest = max((one.speed_gbit_s or 0.0 for one in physical), default=0.0)
    return tuple(one for one in physical if (one.speed_gbit_s or 0.0) == fastest)


def _require_nvlink(fabric: Fabric, devices: Devices) -> None:
    linked = [gpu for gpu in devices.gpus if gpu.links_active]
    if len(linked) > 1 or (devices.gpus and devices.nvml_note):
        return  # without NVML nobody knows; NCCL will tell
    found = f"{len(devices.gpus)} GPUs, {len(linked)} of them with active NVLinks" if devices.gpus else "no GPU"
    raise UnfitError(f"fabric {fabric.name}: it takes two GPUs with NVLink, and this host has {found}")
