"""From what the hosts' links moved to the verdict on a point's fabric."""

from commbench.collectives.of_point import host_bytes_of
from commbench.fabric.evidence import judge
from commbench.fabric.names import Fabric
from commbench.fabric.traffic import HostTraffic
from commbench.measure.traffic import HostCount
from commbench.model.evidence import Evidence
from commbench.model.plan import FabricChoice, Plan
from commbench.model.point import Point


def fabric_of(choice: FabricChoice) -> Fabric:
    """Return a plan's fabric as discovery and evidence know it."""
    return Fabric(choice.name, choice.kind, choice.interface, {pair[0]: pair[1] for pair in choice.variables})


def evidence_of(plan: Plan, point: Point, counts: tuple[HostCount, ...]) -> Evidence | None:
    """Return the verdict on a point's fabric; None where no fabric was asked for, or nothing was counted anywhere.

    What a host has to move are the bytes of all calls between two readings of its counters, lead-ins included.
    """
    choice = plan.fabric(point.fabric)
    if choice is None or not counts:
        return None
    per_call = host_bytes_of(point)
    traffic = [HostTraffic(count.host, round(per_call * count.calls), count.moved, count.links) for count in counts]
    rates = [count.link_rate_gbit_s for count in counts if count.link_rate_gbit_s]
    return judge(
        fabric_of(choice),
        traffic,
        nodes=point.nodes,
        variables=counts[0].variables,
        link_rate_gbit_s=min(rates, default=None),
    )
