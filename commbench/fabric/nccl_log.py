"""Read an NCCL debug log: which devices, which connections, which algorithms.

`via NET/IB/3` does not tell InfiniBand from RoCE, and 3 may be a virtual device: connections are joined with the device
list of their host.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from commbench.fabric import nccl_lines as lines
from commbench.fabric.nccl_facts import (
    SOCKET_LINK,
    Choice,
    Connection,
    NcclLog,
    NetDevice,
    Override,
    QueuePair,
    gid_address,
)

_MAX_ERRORS = 200  # a log in trouble repeats itself; the first lines say what happened


@dataclass(slots=True)
class _Host:
    """What one host's lines said about its devices; indices are those of `via` lines."""

    devices: dict[tuple[str, int], NetDevice] = field(default_factory=dict)
    virtual: dict[int, tuple[NetDevice, ...]] = field(default_factory=dict)
    named: dict[int, tuple[str, ...]] = field(default_factory=dict)


@dataclass(slots=True)
class _Reading:
    """What has been read so far."""

    version: str = ""
    nodes: int = 0
    networks: dict[str, None] = field(default_factory=dict)
    hosts: dict[str, _Host] = field(default_factory=dict)
    connections: list[Connection] = field(default_factory=list)
    queue_pairs: list[QueuePair] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    overrides: dict[Override, None] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    errors: dict[str, None] = field(default_factory=dict)
    torn: int = 0

    def host(self, name: str) -> _Host:
        return self.hosts.setdefault(name, _Host())


def parse_nccl_log(text: str) -> NcclLog:
    """Return what a log says; text that is no NCCL log gives an empty one. Logs of several ranks may be joined."""
    reading = _Reading()
    for line in text.splitlines():
        _read_line(reading, line[: lines.MAX_LINE])
    return NcclLog(
        version=reading.version,
        nodes=reading.nodes,
        networks=tuple(reading.networks),
        devices={name: tuple(host.devices.values()) for name, host in reading.hosts.items() if host.devices},
        connections=tuple(_joined(reading, reading.connections)),
        queue_pairs=tuple(
            replace(pair, device=_devices_of(reading, pair.host).devices.get((pair.network, pair.index)))
            for pair in reading.queue_pairs
        ),
        choices=tuple(reading.choices),
        overrides=tuple(reading.overrides),
        settings=reading.settings,
        errors=tuple(reading.errors),
        torn_lines=reading.torn,
    )


def _read_line(reading: _Reading, line: str) -> None:
    if "NCCL version" in line and (version := lines.VERSION.search(line)):
        reading.version = reading.version or version[1]
    message = lines.MESSAGE.search(line)
    if message is None:
        reading.torn += " via " in line and bool(lines.ANY_VIA.search(line))
        return
    head = lines.HEAD.search(line[: message.start()])
    repeated = lines.REPEATED.search(message[2]) if "[repeated" in message[2] else None
    words = (message[2][: repeated.start()] if repeated else message[2]).rstrip()
    host = head[1] if head else ""
    if message[1] == "WARN" and len(reading.errors) < _MAX_ERRORS:
        reading.errors[words] = None
    _read_message(reading, host, words, int(repeated[1]) if repeated else 1)


def _read_message(reading: _Reading, host: str, words: str, times: int) -> None:
    if " via " in words:
        if connection := _connection(host, words, times):
            reading.connections.append(connection)
        else:
            reading.torn += bool(lines.ANY_VIA.search(words))
        return
    for markers, read in _READERS:
        if any(marker in words for marker in markers) and read(reading, host, words):
            return
    if lines.FATAL.search(words) and len(reading.errors) < _MAX_ERRORS:
        reading.errors[words] = None


def _connection(host: str, words: str, times: int) -> Connection | None:
    if via := lines.VIA.search(words):
        channel, source, target, direction, how = via.groups()
        start = Connection(host, int(channel), int(source), int(target), direction or "", "", how, times=times)
        return _with_transport(start)
    if via := lines.COLLNET.search(words):
        channel, rank, direction, how = via.groups()
        return _with_transport(Connection(host, int(channel), int(rank), int(rank), direction, "", how, times=times))
    return None


def _with_transport(connection: Connection) -> Connection:
    how = connection.how
    if how.startswith("COLLNET/"):
        net = lines.NET.match(how.replace("COLLNET/", "NET/", 1))
        transport = "COLLNET"
    else:
        net = lines.NET.match(how)
        transport = "SHM" if "shared memory" in how else how.partition("/")[0]
    if net is None:
        return replace(connection, transport=transport)
    return replace(connection, transport=transport, network=net[1], index=int(net[2]), is_gdr=bool(net[4]))


def _read_devices(reading: _Reading, host: str, words: str) -> bool:
    if using := lines.USING_SOCKET.search(words):
        for index, name, _ in lines.SOCKET.findall(using[1]):
            device = NetDevice("Socket", int(index), name, 0, SOCKET_LINK)
            reading.host(host).devices["Socket", device.index] = device
        return True
    if using := lines.USING_IB.search(words):
        _read_rdma_devices(reading.host(host), using[1], using[2])
        return True
    if virtual := lines.VIRTUAL.search(words):
        reading.host(host).named[int(virtual[1])] = tuple(virtual[2].split("+"))
        return True
    if override := lines.OVERRIDE.search(words):
        reading.overrides[Override(host, int(override[1]), int(override[2]))] = None
        return True
    return False


def _read_rdma_devices(host: _Host, network: str, listed: str) -> None:
    def device(index: str, name: str, port: str, link: str) -> NetDevice:
        return NetDevice(network, int(index), name, int(port), link)

    for outer, inner in lines.MERGED.findall(listed):
        merged = tuple(device(*found) for found in lines.DEVICE.findall(inner))
        host.virtual[int(outer)] = merged
        host.devices |= {(network, one.index): one for one in merged}
    for found in lines.DEVICE.findall(lines.MERGED.sub("", listed)):
        one = device(*found)
        host.virtual.setdefault(one.index, (one,))
        host.devices.setdefault((network, one.index), one)


def _read_queue_pair(reading: _Reading, host: str, words: str) -> bool:
    if pair := lines.NAMED_QUEUE_PAIR.search(words):
        network, port, index, name, _ = pair.groups()
        device = reading.host(host).devices.get((network, int(index)))
        if device is not None and device.name != name:
            index = str(next((one.index for one in reading.host(host).devices.values() if one.name == name), index))
        reading.queue_pairs.append(QueuePair(host, network, int(index), int(port)))
        return True
    if pair := lines.QUEUE_PAIR.search(words):
        network, index, port, _, lid, _, prefix, interface = pair.groups()
        gid = gid_address(prefix, interface) if prefix else ""
        reading.queue_pairs.append(
            QueuePair(host, network, int(index), int(port), int(lid) if lid is not None else None, gid)
        )
        return True
    return False


def _read_choice(reading: _Reading, host: str, words: str) -> bool:  # noqa: ARG001 - the readers' shape
    found = lines.CHOICE.search(words)
    if found is None:
        return False
    collective, path, size, how = found.groups()
    chosen = lines.ALGORITHM.search(how)
    if chosen is None and not path:
        return True
    algorithm = _numbered(chosen[1], lines.ALGORITHMS) if chosen else ""
    protocol = _numbered(chosen[2], lines.PROTOCOLS) if chosen else ""
    channels = int(chosen[4]) - int(chosen[3]) + 1 if chosen and chosen[3] else 0
    reading.choices.append(Choice(collective or "", int(size), algorithm, protocol, channels, path or ""))
    return True


def _read_setup(reading: _Reading, host: str, words: str) -> bool:  # noqa: ARG001 - the readers' shape
    if setting := lines.SET.search(words):
        reading.settings[setting[1]] = setting[2]
    elif network := lines.NETWORK.search(words):
        reading.networks[network[1]] = None
    elif ranks := lines.RANKS.search(words):
        reading.nodes = max(reading.nodes, int(ranks[3]))
    else:
        return False
    return True


_Reader = Callable[[_Reading, str, str], bool]
# What a line must hold before a reader tries its expressions on it: most lines hold nothing of interest.
_READERS: tuple[tuple[tuple[str, ...], _Reader], ...] = (
    ((": Using", "virtual device", "overriding dev"), _read_devices),
    (("qpn ", "qp_num"), _read_queue_pair),
    (("Bytes -> ",), _read_choice),
    ((" set ", "Using network", "nNodes"), _read_setup),
)


def _numbered(word: str, names: tuple[str, ...]) -> str:
    if word.isdecimal():
        return names[int(word)] if int(word) < len(names) else word
    return word.upper()


def _joined(reading: _Reading, connections: Iterable[Connection]) -> Iterable[Connection]:
    """Give each connection the devices behind its index, those that routing took instead of it included."""
    behind = _lookup(reading)
    for connection in connections:
        if connection.index is None:
            yield connection
            continue
        hosts = {connection.host, ""}
        taken = [one.taken for one in reading.overrides if one.planned == connection.index and one.host in hosts]
        indices = [connection.index, *taken]
        found = [device for index in indices for device in behind(connection.host, connection.network, index)]
        yield replace(connection, devices=tuple(dict.fromkeys(found)))


def _lookup(reading: _Reading) -> Callable[[str, str, int], tuple[NetDevice, ...]]:
    def behind(host: str, network: str, index: int) -> tuple[NetDevice, ...]:
        known = _devices_of(reading, host)
        if network == "Socket":
            socket = known.devices.get(("Socket", index))
            return (socket,) if socket else ()
        if index in known.named:
            names = known.named[index]
            return tuple(one for one in known.devices.values() if one.name in names and one.network == network)
        return tuple(one for one in known.virtual.get(index, ()) if one.network == network)

    return behind


def _devices_of(reading: _Reading, host: str) -> _Host:
    """Return a host's devices; a collector that folds equal lines keeps one host's list for all, if it is the only."""
    own = reading.hosts.get(host)
    if own and own.devices:
        return own
    listing = [one for one in reading.hosts.values() if one.devices]
    same = {tuple(one.devices.values()) for one in listing}
    return listing[0] if len(same) == 1 else _Host()
