"""Which links a setting of NCCL or gloo names."""

from collections.abc import Mapping, Sequence

from commbench.fabric.devices import Devices, Interface, Port


def ports_named(setting: str, ports: Sequence[Port]) -> tuple[Port, ...]:
    """Return the ports that a value of NCCL_IB_HCA selects: `[^][=]<device>[:<port>[:<rail>[:<plane>]]],...`.

    Without `=` a name selects all devices that begin with it; `^` selects all others.
    """
    excludes, exact, names = _parts(setting)
    wanted = [name.split(":") for name in names]
    return tuple(port for port in ports if any(_is_port(port, parts, exact=exact) for parts in wanted) != excludes)


def interfaces_named(setting: str, interfaces: Sequence[Interface]) -> tuple[Interface, ...]:
    """Return the interfaces that a value of NCCL_SOCKET_IFNAME selects: `[^][=]<name>,...`."""
    excludes, exact, names = _parts(setting)

    def is_named(interface: Interface) -> bool:
        return interface.name in names if exact else interface.name.startswith(tuple(names))

    return tuple(one for one in interfaces if is_named(one) != excludes)


def sockets_of(variables: Mapping[str, str], devices: Devices) -> tuple[Interface, ...]:
    """Return the interfaces that a fabric's own variables name, for NCCL or for gloo; none when they name none."""
    if setting := variables.get("GLOO_SOCKET_IFNAME"):
        return interfaces_named(f"={setting}", devices.interfaces)
    if setting := variables.get("NCCL_SOCKET_IFNAME"):
        return interfaces_named(setting, devices.interfaces)
    return ()


def _parts(setting: str) -> tuple[bool, bool, list[str]]:
    excludes = setting.startswith("^")
    rest = setting.removeprefix("^")
    exact = rest.startswith("=")
    return excludes, exact, [name for name in rest.removeprefix("=").split(",") if name]


def _is_port(port: Port, parts: Sequence[str], *, exact: bool) -> bool:
    is_device = port.device == parts[0] if exact else port.device.startswith(parts[0])
    return is_device and (len(parts) == 1 or parts[1] in {"", str(port.port)})
