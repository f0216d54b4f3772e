"""Which ranks of a launch take part in a point: whole nodes, chosen by the point's placement."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from commbench.model.plan import Plan
    from commbench.model.point import Point

# first: the nodes at the head of the list, as near as the scheduler put them; spread: evenly over the allocation, as
# far apart as it goes; strided: every second one, which leaves neighbours under one switch out.
FIRST, SPREAD, STRIDED = "first", "spread", "strided"
PLACEMENTS = (FIRST, SPREAD, STRIDED)
_STRIDE = 2


def nodes_of(placement: str, nodes: int, all_nodes: int) -> tuple[int, ...]:
    """Return the indices of the nodes that take part, ascending; node 0, where rank 0 leads, always does."""
    if placement == SPREAD:
        return tuple(i * all_nodes // nodes for i in range(nodes))
    if placement == STRIDED:
        order = [node for first in range(_STRIDE) for node in range(first, all_nodes, _STRIDE)]
        return tuple(sorted(order[:nodes]))
    return tuple(range(nodes))


def ranks_of(plan: "Plan", point: "Point") -> tuple[int, ...]:
    """Return the ranks that take part in a point, ascending."""
    if point.placement not in {SPREAD, STRIDED}:
        return tuple(range(point.world_size))
    on_each = plan.ranks_per_node
    nodes = nodes_of(point.placement, point.nodes, plan.nodes)
    return tuple(node * on_each + local_rank for node in nodes for local_rank in range(on_each))
