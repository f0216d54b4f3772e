"""The fabrics of a host as text and JSON: links, rates, states, and what each preset would set."""

import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from commbench.errors import CommbenchError
from commbench.fabric.devices import Devices, Interface, Port
from commbench.fabric.names import INFINIBAND, NVLINK, ROCE, SHM, TCP, fabric_of
from commbench.fabric.select import GLOO, NCCL, select
from commbench.report.listing import aligned
from commbench.report.words import one_line

_TITLES = ("fabric", "link", "rate", "state", "more")


@dataclass(frozen=True, slots=True)
class Preset:
    """What asking for a fabric would set on this host; `problem` says why it cannot be had, and is empty if it can."""

    fabric: str
    backend: str
    variables: dict[str, str] = field(default_factory=dict)
    problem: str = ""


def presets(devices: Devices) -> tuple[Preset, ...]:
    """Return the preset of every fabric that NCCL and gloo can be asked for, possible here or not."""
    plugins = sorted({port.fabric for port in devices.ports if port.fabric} - {INFINIBAND, ROCE})
    asked = [(name, NCCL) for name in (INFINIBAND, ROCE, *plugins, TCP, NVLINK, SHM)] + [(TCP, GLOO)]
    return tuple(_preset(name, backend, devices) for name, backend in asked)


def _preset(name: str, backend: str, devices: Devices) -> Preset:
    try:
        return Preset(name, backend, dict(select(fabric_of(name), devices, backend).variables))
    except CommbenchError as error:
        return Preset(name, backend, problem=str(error))


def fabrics_text(devices: Devices) -> str:
    """Return a table of all links, and the variables of every preset."""
    rows = [_port(port) for port in devices.ports]
    rows += [_interface(one) for one in devices.interfaces if not one.is_loopback]
    if linked := [gpu for gpu in devices.gpus if gpu.links_active]:
        rate = linked[0].link_rate_gb_s
        more = f"{linked[0].links_active} links each" + (f" of {rate:g} GB/s" if rate else "")
        rows.append([NVLINK, f"{len(linked)} GPUs", "-", "active", more])
    table = aligned(_TITLES, {"rate"}, rows) if rows else "no network link and no GPU was found\n"
    note = f"NVLink is unknown: {one_line(devices.nvml_note)}\n" if devices.nvml_note else ""
    return f"Links\n{table}{note}\nPresets (fabrics = [...] in a suite)\n{_presets_text(presets(devices))}"


def fabrics_json(devices: Devices) -> str:
    """Return all that discovery found, and the presets, as JSON."""
    found = asdict(devices)
    for told, port in zip(found["ports"], devices.ports, strict=True):
        told["fabric"] = port.fabric
    return json.dumps({**found, "presets": [asdict(preset) for preset in presets(devices)]}, indent=1)


def _port(port: Port) -> list[str]:
    rate = f"{port.rate_gbit_s:g} Gbit/s" if port.rate_gbit_s is not None else "?"
    more = [port.rate_label, port.driver, port.hca_type, port.firmware]
    if gid := port.roce_gid:
        more.append(f"GID {gid.index} {gid.ipv4 or gid.address} on {gid.interface}")
    elif port.fabric == INFINIBAND:
        more.append(f"LID {port.lid:#x}, manager {port.sm_lid:#x}")
    state = port.state if port.is_active else f"{port.state or '?'} ({port.phys_state or '?'})"
    return [port.fabric or "unknown", port.name, rate, state.lower() if port.is_active else state, _words(more)]


def _interface(interface: Interface) -> list[str]:
    rate = f"{interface.speed_gbit_s:g} Gbit/s" if interface.speed_gbit_s else "?"
    over = f"over {', '.join(interface.lower)}" if interface.lower else ""
    mtu = f"MTU {interface.mtu}" if interface.mtu else ""
    return [TCP, interface.name, rate, interface.operstate or "?", _words([mtu, interface.driver, over])]


def _words(parts: Sequence[str]) -> str:
    return one_line(", ".join(part for part in parts if part))


def _presets_text(found: Sequence[Preset]) -> str:
    width = max(len(f"{preset.fabric} ({preset.backend})") for preset in found)
    lines = []
    for preset in found:
        settings = shlex.join(f"{name}={value}" for name, value in preset.variables.items())
        told = f"not here: {one_line(preset.problem)}" if preset.problem else settings
        lines.append(f"  {f'{preset.fabric} ({preset.backend})':<{width}}  {told}\n")
    return "".join(lines)
