"""RDMA links: are they up, as fast as their siblings, of one kind, and addressed?"""

from collections import Counter, defaultdict

from commbench.doctor.finding import Finding, Level
from commbench.doctor.host import Host
from commbench.fabric.devices import LINK_UP, UNASSIGNED_LID, Port
from commbench.fabric.names import INFINIBAND, ROCE
from commbench.fabric.select import describe_down


class RdmaDevices:
    """Without RDMA all traffic between hosts is TCP, and the checks of links have nothing to look at."""

    name = "RDMA devices"

    def look(self, host: Host) -> Finding | None:
        ports = host.devices.ports
        if not ports:
            return Finding(
                self.name,
                Level.SKIP,
                "there is none here: link states, subnet manager, GIDs, MTU and GPUDirect were not checked",
                "hosts can only talk TCP to each other",
                "load the NIC's driver (`lspci | grep -i -e mellanox -e infiniband`, `modprobe mlx5_ib`), or use tcp",
            )
        counts = Counter(f"{port.fabric or 'unknown'} {_rate(port)}" for port in ports if port.is_active)
        active = ", ".join(f"{count} x {what}" for what, count in counts.items()) or "none is active"
        level = Level.OK if counts else Level.WARN
        return Finding(
            self.name,
            level,
            f"{len(ports)} ports: {active}",
            "" if counts else "hosts can only talk TCP to each other",
            "" if counts else "look at cables, switches and the subnet manager (`ibstat`)",
        )


class LinkStates:
    """A port that should be up and is not takes its share of bandwidth, or the whole run."""

    name = "link states"

    def look(self, host: Host) -> Finding | None:
        if not host.devices.ports:
            return None
        down = [port for port in host.devices.ports if not port.is_active]
        stuck = [port for port in down if port.phys_state == LINK_UP and port.fabric == INFINIBAND]
        failed = [port for port in down if port.phys_state not in {"Disabled", "Sleep"}]
        said = "; ".join(describe_down(port) for port in down)
        if stuck:
            return Finding(
                self.name,
                Level.FAIL,
                said,
                "the port carries nothing, and ranks that choose it hang until their timeout",
                "start the subnet manager (opensm, UFM), or look at the partition keys (`sminfo`, `ibstat`)",
            )
        if failed:
            return Finding(
                self.name,
                Level.WARN,
                said,
                "less bandwidth than the host is built for, or none on that rail",
                "look at the cable and at the switch port (`mlxlink -d <device>`); disable the port if it is unused",
            )
        return Finding(self.name, Level.OK, f"all up, except {said}" if down else "all up")


class LinkRates:
    """A link that trained at a lower speed or width than its siblings slows every collective to its own rate."""

    name = "link rates"

    def look(self, host: Host) -> Finding | None:
        siblings: dict[tuple[str, str], list[Port]] = defaultdict(list)
        for port in host.devices.ports:
            if port.is_active and port.rate_gbit_s:
                siblings[port.hca_type, port.link_layer].append(port)
        if not siblings:
            return None
        slow = []
        for group in siblings.values():
            best = max(port.rate_gbit_s or 0.0 for port in group)
            slow += [f"{port.name} {_rate(port)} beside {best:g}" for port in group if (port.rate_gbit_s or 0) < best]
        if not slow:
            rates = sorted({_rate(port) for group in siblings.values() for port in group})
            return Finding(self.name, Level.OK, f"equal among equal devices: {', '.join(rates)}")
        return Finding(
            self.name,
            Level.FAIL,
            "; ".join(slow),
            "all ranks wait for the slowest link, so the whole job runs at its rate",
            "reseat or replace the cable (`mlxlink -d <device> -c`), and look at the switch port's speed",
        )


class LinkLayers:
    """NCCL cannot mix InfiniBand and RoCE in one communicator, and chooses among all ports that are up."""

    name = "link layers"

    def look(self, host: Host) -> Finding | None:
        layers = defaultdict(list)
        for port in host.devices.ports:
            if port.is_active:
                layers[port.fabric or f"unknown ({port.link_layer or 'no link layer'})"].append(port.name)
        if not layers:
            return None
        said = "; ".join(f"{layer}: {', '.join(names)}" for layer, names in layers.items())
        if len(layers) == 1:
            return Finding(self.name, Level.OK, said)
        return Finding(
            self.name,
            Level.WARN,
            said,
            "NCCL refuses to connect ports of different kinds, or takes another network than you think",
            "name the fabric in the suite (fabrics = [...]) or set NCCL_IB_HCA as `commbench list --fabrics` shows",
        )


class SubnetManager:
    """An InfiniBand port has no address until a subnet manager gave it one."""

    name = "subnet manager"

    def look(self, host: Host) -> Finding | None:
        ports = [port for port in host.devices.ports_of(INFINIBAND) if port.phys_state == LINK_UP]
        if not ports:
            return None
        lost = [port for port in ports if not port.sm_lid or port.lid in {0, UNASSIGNED_LID}]
        if not lost:
            managers = sorted({f"{port.sm_lid:#x}" for port in ports})
            return Finding(self.name, Level.OK, f"at LID {', '.join(managers)}")
        return Finding(
            self.name,
            Level.FAIL,
            "; ".join(f"{port.name} has LID {port.lid:#x}, manager {port.sm_lid:#x}" for port in lost),
            "the port cannot reach anybody",
            "start a subnet manager (opensm, UFM, or that of the switch); `sminfo` names it",
        )


class RoceAddresses:
    """RoCE v2 travels in UDP over IP: without an address that can be routed there is none."""

    name = "RoCE addresses"

    def look(self, host: Host) -> Finding | None:
        ports = [port for port in host.devices.ports_of(ROCE) if port.is_active]
        if not ports:
            return None
        without = [port.name for port in ports if not port.roce_gid]
        if not without:
            said = [
                f"{port.name} index {gid.index} ({gid.ipv4 or gid.address})" for port in ports if (gid := port.roce_gid)
            ]
            return Finding(self.name, Level.OK, ", ".join(said))
        others = any(port.is_active for port in host.devices.ports if port.name not in without)
        return Finding(
            self.name,
            Level.WARN if others else Level.FAIL,
            f"no RoCE v2 GID that can be routed on {', '.join(without)}",
            "NCCL takes a link-local address and fails to connect, or uses the port only inside a switch",
            "give the port's interface an IP address (`ip addr`, `show_gids`); or leave it out with NCCL_IB_HCA",
        )


def _rate(port: Port) -> str:
    rate = f"{port.rate_gbit_s:g} Gbit/s" if port.rate_gbit_s else "unknown rate"
    return f"{rate} ({port.rate_label})" if port.rate_label else rate
