"""Measure suspects again the same night: the plan of their points only, and which hosts it is to be made on."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from commbench.model.placement import FIRST
from commbench.store.identity import series_id

if TYPE_CHECKING:
    from commbench.cli.launcher import Launcher
    from commbench.model.plan import Plan
    from commbench.model.point import Point

_LEAST_TO_SPLIT = 2  # hosts of a point: one host has no halves


@dataclass(frozen=True, slots=True)
class Again:
    """Which series of which cluster to measure, and for the how manieth time tonight (1 = the first repetition)."""

    cluster: str
    series_ids: frozenset[str]
    repeat: int


def plan_again(plan: "Plan", again: Again) -> "Plan":
    """Return the plan with only the points of the wanted series, numbered anew; launches without any are gone.

    The seed differs from night's own, so that neither the order of points nor the simulated noise is the same again.
    """
    chosen = [
        point for point in plan.points if not point.skip_reason and series_id(point, again.cluster) in again.series_ids
    ]
    launches = {index: place for place, index in enumerate(dict.fromkeys(point.launch_index for point in chosen))}
    points = tuple(
        replace(point, point_id=place, launch_index=launches[point.launch_index]) for place, point in enumerate(chosen)
    )
    return replace(plan, points=points, seed=plan.seed + again.repeat)


def can_rotate(launcher: "Launcher") -> bool:
    """Return whether hosts may be taken in another order: we start them, and the first one need not be that one.

    Slurm numbers the nodes of a step in its own order, whatever the order in which they are named.
    """
    return len(launcher.hosts) > 1 and not launcher.is_slurm and launcher.options.master_addr is None


def rotated(launcher: "Launcher", by: int) -> "Launcher":
    """Return the launcher with its hosts moved on: neighbours stay neighbours, and others come first."""
    if not can_rotate(launcher):
        return launcher
    by %= len(launcher.hosts)
    return replace(launcher, hosts=launcher.hosts[by:] + launcher.hosts[:by])


def split_by(plan: "Plan", repeat: int, all_hosts: int) -> int:
    """Return by how many hosts to move on for a repetition, so that it takes one half of the suspects' hosts.

    Each of two repetitions joins one half of the hosts of the first measurement with others. A host that is bad was in
    the first measurement and is in one of these two: two of three are bad, whose median the rule looks at, and the
    third says which half it is in. 0 where hosts cannot be split: points on all hosts, on one, or not on neighbours.
    """
    few = [point for point in plan.points if point.nodes < all_hosts]
    if not few or not all(_has_halves(point) for point in few):
        return 0
    half = min(point.nodes for point in few) // 2
    return half if repeat % 2 else -half


def _has_halves(point: "Point") -> bool:
    return point.nodes >= _LEAST_TO_SPLIT and point.placement in {"", FIRST}
