"""From what the hosts' links moved to the verdict on a point's fabric."""

from dataclasses import replace

from commbench.collectives.of_point import host_bytes_of
from commbench.fabric.evidence import choice_of, judge
from commbench.fabric.names import Fabric
from commbench.fabric.nccl_facts import NcclLog
from commbench.fabric.traffic import HostTraffic
from commbench.measure.traffic import HostCount
from commbench.model.evidence import Evidence
from commbench.model.plan import FabricChoice, Plan
from commbench.model.point import Point


def fabric_of(choice: FabricChoice) -> Fabric:
    """Return a plan's fabric as discovery and evidence know it."""
    return Fabric(choice.name, choice.kind, choice.interface, {pair[0]: pair[1] for pair in choice.variables})


def evidence_of(
    plan: Plan, point: Point, counts: tuple[HostCount, ...], probed: NcclLog | None = None
) -> Evidence | None:
    """Return the verdict on a point's fabric; None where no fabric was asked for, or nothing was counted anywhere.

    `probed` is what NCCL said of itself in a launch of its own. What a host has to move are the bytes of all calls
    between two readings of its counters, lead-ins included.
    """
    choice = plan.fabric(point.fabric)
    if choice is None or not counts:
        return None
    per_call = host_bytes_of(point)
    traffic = [HostTraffic(count.host, round(per_call * count.calls), count.moved, count.links) for count in counts]
    rates = [count.link_rate_gbit_s for count in counts if count.link_rate_gbit_s]
    evidence = judge(
        fabric_of(choice),
        traffic,
        probed,
        nodes=point.nodes,
        variables=counts[0].variables,
        link_rate_gbit_s=min(rates, default=None),
    )
    if probed is None:
        return evidence
    algorithm, protocol = choice_of(probed, point.collective, point.size_bytes, point.world_size)
    return replace(evidence, algorithm=algorithm, protocol=protocol)
