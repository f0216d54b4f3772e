"""What discovery finds on a host: RDMA ports, network interfaces, GPUs. Plain facts, no I/O."""

import ipaddress
from dataclasses import dataclass

from commbench.fabric.names import EFA, INFINIBAND, OMNIPATH, ROCE

ACTIVE, LINK_UP = "ACTIVE", "LinkUp"
UNASSIGNED_LID = 0xFFFF  # source: InfiniBand's permissive LID, which a port has until a subnet manager came
LOOPBACK_TYPE, IPOIB_TYPE = 772, 32  # source: linux/if_arp.h, ARPHRD_LOOPBACK and ARPHRD_INFINIBAND
ROCE_V2 = "RoCE v2"

# Link layer does not tell these from InfiniBand and Ethernet; the driver does. Source: drivers/infiniband/hw.
_BY_DRIVER = {"hfi1": OMNIPATH, "efa": EFA}


@dataclass(frozen=True, slots=True)
class Gid:
    """One address of an RDMA port; `interface` is empty on InfiniBand."""

    index: int
    address: str
    kind: str
    interface: str = ""

    @property
    def ipv4(self) -> str:
        """Return the IPv4 address that the GID maps; empty when it maps none."""
        mapped = ipaddress.IPv6Address(self.address).ipv4_mapped
        return str(mapped) if mapped else ""

    @property
    def is_routable_v2(self) -> bool:
        """Tell whether NCCL's default choice takes it: RoCE v2 and not link-local."""
        address = ipaddress.IPv6Address(self.address)
        local = (address.ipv4_mapped or address).is_link_local
        return self.kind == ROCE_V2 and not local


@dataclass(frozen=True, slots=True)
class PciPlace:
    """Where a device sits. `path` holds the PCI addresses from the root to the device; empty when not on PCI.

    Speeds are in GT/s, widths in lanes; 0 = unknown. `numa_node` is -1 when the firmware does not say.
    """

    path: tuple[str, ...] = ()
    numa_node: int = -1
    speed_gt_s: float = 0.0
    max_speed_gt_s: float = 0.0
    width: int = 0
    max_width: int = 0

    @property
    def address(self) -> str:
        """Return the device's own PCI address; empty when not on PCI."""
        return self.path[-1] if self.path else ""


@dataclass(frozen=True, slots=True)
class Port:
    """One port of an RDMA device. Empty strings, None and 0 mean: could not be read."""

    device: str
    port: int
    link_layer: str = ""
    driver: str = ""
    hca_type: str = ""
    firmware: str = ""
    rate_gbit_s: float | None = None
    rate_label: str = ""
    state: str = ""
    phys_state: str = ""
    lid: int = 0
    sm_lid: int = 0
    gids: tuple[Gid, ...] = ()
    interfaces: tuple[str, ...] = ()
    place: PciPlace = PciPlace()

    @property
    def name(self) -> str:
        """Return the name as NCCL_IB_HCA takes it, such as mlx5_0:1."""
        return f"{self.device}:{self.port}"

    @property
    def fabric(self) -> str:
        """Return the fabric that the port belongs to; empty when link layer and driver do not say."""
        by_layer = {"InfiniBand": INFINIBAND, "Ethernet": ROCE}.get(self.link_layer, "")
        return _BY_DRIVER.get(self.driver, by_layer)

    @property
    def is_active(self) -> bool:
        """Tell whether traffic can pass now."""
        return self.state == ACTIVE

    @property
    def roce_gid(self) -> Gid | None:
        """Return the GID that NCCL >= 2.21 takes by default: v2, IPv4, not link-local; else a routable IPv6 one."""
        usable = [gid for gid in self.gids if gid.is_routable_v2]
        return next((gid for gid in usable if gid.ipv4), usable[0] if usable else None)


@dataclass(frozen=True, slots=True)
class Interface:
    """One network interface. `lower` are the interfaces that it stands on, such as the members of a bond."""

    name: str
    type_code: int = 0
    operstate: str = ""
    speed_gbit_s: float | None = None
    mtu: int = 0
    driver: str = ""
    lower: tuple[str, ...] = ()
    bond_mode: str = ""
    carrier_changes: int | None = None
    is_virtual: bool = False
    place: PciPlace = PciPlace()

    @property
    def is_loopback(self) -> bool:
        """Tell whether it only leads back to this host."""
        return self.type_code == LOOPBACK_TYPE or self.name == "lo"

    @property
    def is_up(self) -> bool:
        """Tell whether packets can leave; some drivers never say more than `unknown`."""
        return self.operstate in {"up", "unknown"}


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU as NVML and PCI show it; `links_active` of `links` NVLinks are up, each of `link_rate_gb_s`.

    `fabric_state` is empty where the GPU is not part of an NVSwitch fabric that must be registered.
    """

    index: int
    name: str = ""
    pci_address: str = ""
    links: int = 0
    links_active: int = 0
    link_rate_gb_s: float | None = None
    fabric_state: str = ""
    fabric_status: str = ""
    place: PciPlace = PciPlace()


@dataclass(frozen=True, slots=True)
class Devices:
    """All that discovery found on one host. `nvml_note` says why NVLink is unknown; empty when it is known."""

    ports: tuple[Port, ...] = ()
    interfaces: tuple[Interface, ...] = ()
    gpus: tuple[Gpu, ...] = ()
    nvml_note: str = ""

    def ports_of(self, fabric: str) -> tuple[Port, ...]:
        """Return the ports of one fabric, active or not."""
        return tuple(port for port in self.ports if port.fabric == fabric)

    def interface(self, name: str) -> Interface | None:
        """Return an interface by name."""
        return next((interface for interface in self.interfaces if interface.name == name), None)
