"""What an NCCL debug log says, as plain facts."""

import ipaddress
from dataclasses import dataclass, field

from commbench.fabric.names import INFINIBAND, NVLINK, ROCE, TCP

SOCKET_LINK = "socket"
_FABRIC_OF_LINK = {"IB": INFINIBAND, "RoCE": ROCE, SOCKET_LINK: TCP}


@dataclass(frozen=True, slots=True)
class NetDevice:
    """One device of a `Using` line; `link` is IB, RoCE, UNSPECIFIED or socket, `port` 0 for sockets."""

    network: str
    index: int
    name: str
    port: int
    link: str

    @property
    def label(self) -> str:
        """Return the name that counters go by: mlx5_0:1 or eth0."""
        return f"{self.name}:{self.port}" if self.port else self.name

    @property
    def fabric(self) -> str:
        """Return the fabric that the link type means; empty when the log does not say."""
        return _FABRIC_OF_LINK.get(self.link, "")


@dataclass(frozen=True, slots=True)
class Connection:
    """One way between two ranks on one channel, as NCCL planned it.

    `transport` is NET, P2P, SHM or COLLNET; `how` the words after `via`. `network` and `index` are those of NET and
    COLLNET; `devices` the physical devices behind that index, several when it is a virtual one; none when no device
    list is known. `times` counts equal lines that a log collector folded into one.
    """

    host: str
    channel: int
    source: int
    target: int
    direction: str
    transport: str
    how: str
    network: str = ""
    index: int | None = None
    is_gdr: bool = False
    devices: tuple[NetDevice, ...] = ()
    times: int = 1

    @property
    def fabric(self) -> str:
        """Return the fabric that it names: by link type for NCCL's own networks, else the plugin's own name.

        Empty when the devices are unknown or of several link types: `NET/IB` serves InfiniBand and RoCE alike.
        """
        if self.network == "Socket":
            return TCP
        if self.network and self.network != "IB" and not self.devices:
            return self.network
        fabrics = {device.fabric for device in self.devices}
        return fabrics.pop() if len(fabrics) == 1 else ""


@dataclass(frozen=True, slots=True)
class QueuePair:
    """A connection that an RDMA network really made; InfiniBand gives it a LID, RoCE a GID."""

    host: str
    network: str
    index: int
    port: int
    lid: int | None = None
    gid: str = ""
    device: NetDevice | None = None

    @property
    def fabric(self) -> str:
        """Return infiniband or roce by the kind of address; empty when the line has none."""
        if self.lid is not None:
            return INFINIBAND
        return ROCE if self.gid else (self.device.fabric if self.device else "")


@dataclass(frozen=True, slots=True)
class Choice:
    """The algorithm and protocol chosen for one call; `path` names ways around both, such as Symmetric."""

    collective: str
    size_bytes: int
    algorithm: str
    protocol: str
    channels: int = 0
    path: str = ""


@dataclass(frozen=True, slots=True)
class Override:
    """A device that was taken instead of the one that the channel lines name."""

    host: str
    planned: int
    taken: int


@dataclass(frozen=True, slots=True)
class NcclLog:
    """All that a log says. `version` is empty and tuples are empty where it says nothing.

    `torn_lines` counts lines about connections that could not be read. `nodes` is the largest number of nodes that a
    communicator spans, 0 when unknown.
    """

    version: str = ""
    nodes: int = 0
    networks: tuple[str, ...] = ()
    devices: dict[str, tuple[NetDevice, ...]] = field(default_factory=dict)
    connections: tuple[Connection, ...] = ()
    queue_pairs: tuple[QueuePair, ...] = ()
    choices: tuple[Choice, ...] = ()
    overrides: tuple[Override, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    torn_lines: int = 0

    def transports(self) -> dict[str, int]:
        """Return how many connections each transport has: NET, P2P, SHM, COLLNET."""
        counts: dict[str, int] = {}
        for connection in self.connections:
            counts[connection.transport] = counts.get(connection.transport, 0) + connection.times
        return counts

    def planned_fabrics(self) -> frozenset[str]:
        """Return the fabrics of all connections between ranks over a network; '' among them means: one is unknown."""
        return frozenset(one.fabric for one in self.connections if one.transport in {"NET", "COLLNET"})

    def connected_fabrics(self) -> frozenset[str]:
        """Return the fabrics on which queue pairs were made."""
        return frozenset(pair.fabric for pair in self.queue_pairs if pair.fabric)

    def inside_host(self) -> str:
        """Return shm, nvlink or p2p if all connections are of that one kind; nvlink only where NCCL was held to it."""
        transports = set(self.transports())
        if transports == {"SHM"}:
            return "shm"
        if transports == {"P2P"}:
            return NVLINK if self.settings.get("NCCL_P2P_LEVEL", "").upper() == "NVL" else "p2p"
        return ""


def gid_address(prefix_hex: str, interface_hex: str) -> str:
    """Return the address of a GID that NCCL printed as two numbers, each with its bytes in the machine's order."""
    words = [int(word, 16).to_bytes(8, "little") for word in (prefix_hex, interface_hex)]
    address = ipaddress.IPv6Address(b"".join(words))
    return str(address.ipv4_mapped or address)
