"""The worlds of a plan: how many ranks on how many nodes, and which."""

from collections.abc import Sequence
from dataclasses import dataclass

from commbench.errors import UsageError
from commbench.model.placement import nodes_of
from commbench.plan.suite import MAX_RANKS, Suite

DEFAULT_WORLD_SIZE = 2


@dataclass(frozen=True, slots=True)
class World:
    """The ranks that take part in a point; `placement` is empty where there is nothing to choose."""

    world_size: int
    nodes: int = 1
    placement: str = ""


@dataclass(frozen=True, slots=True)
class Allocation:
    """What there is to measure on: all ranks, and how many of them share a node (0: all of them)."""

    world_size: int
    ranks_per_node: int = 0

    @property
    def nodes(self) -> int:
        """Return how many nodes there are."""
        return self.nodes_for(self.world_size)

    def nodes_for(self, world_size: int) -> int:
        """Return on how many nodes the first ranks are."""
        return -(-world_size // self.ranks_per_node) if self.ranks_per_node else 1


def worlds(
    suite: Suite, world_size: int | None, nodes: int | None, *, across_hosts: bool = False
) -> tuple[Allocation, tuple[World, ...]]:
    """Return what there is to measure on, and the worlds that the suite wants of it, smallest first.

    Without a world size it is as large as the suite's largest world, without a number of nodes they are as many as it
    wants; ranks fill one node after another. A suite that names neither ranks nor nodes gets two ranks, and one on each
    node that there is; of several nodes two and more with all of their ranks where it is about what is `across_hosts`.

    Raises:
        UsageError: the suite asks for more ranks or nodes than there are.
    """
    if world_size is not None and not 1 <= world_size <= MAX_RANKS:
        raise UsageError(f"--ranks {world_size}: a world has 1 to {MAX_RANKS} ranks")
    if suite.sweep.nodes:
        return _by_nodes(suite, suite.sweep.nodes, world_size, nodes or max(suite.sweep.nodes))
    if across_hosts and not suite.sweep.ranks and nodes is not None and nodes > 1:
        return _by_nodes(suite, _powers_and(nodes), world_size, nodes)
    counts = _rank_counts(suite, world_size, nodes or 1)
    allocation = _allocation(world_size or max(counts), nodes or 1)
    return allocation, tuple(World(count, allocation.nodes_for(count)) for count in counts)


def _allocation(world_size: int, nodes: int) -> Allocation:
    return Allocation(world_size, -(-world_size // nodes) if nodes > 1 else 0)


def _by_nodes(
    suite: Suite, node_counts: Sequence[int], world_size: int | None, there: int
) -> tuple[Allocation, tuple[World, ...]]:
    wanted = tuple(sorted(node_counts))
    allocation = _allocation(world_size or there, there)
    on_each = allocation.ranks_per_node or allocation.world_size
    if beyond := [str(nodes) for nodes in wanted if nodes > there]:
        hosts = "there is 1 host" if there == 1 else f"there are {there} hosts"
        raise UsageError(
            f"suite {suite.about.name!r} asks for too many hosts (sweep.nodes has {', '.join(beyond)}; {hosts}); "
            "name more with --hosts, or start it in a larger allocation"
        )
    found: dict[tuple[int, ...], World] = {}
    for nodes in wanted:
        for placement in suite.sweep.placement:
            chosen = nodes_of(placement, nodes, there)
            found.setdefault(chosen, World(nodes * on_each, nodes, "" if nodes == there else placement))
    return allocation, tuple(found.values())


def _rank_counts(suite: Suite, world_size: int | None, nodes: int) -> tuple[int, ...]:
    ranks = tuple(sorted(suite.sweep.ranks))
    if not ranks:
        return _powers_and(world_size or max(DEFAULT_WORLD_SIZE, nodes))
    beyond = [str(count) for count in ranks if world_size is not None and count > world_size]
    if beyond:
        raise UsageError(
            f"--ranks {world_size} is fewer than suite {suite.about.name!r} asks for (sweep.ranks has "
            f"{', '.join(beyond)}); use --ranks {max(ranks)}, or remove sweep.ranks to measure what there is"
        )
    return ranks


def _powers_and(largest: int) -> tuple[int, ...]:
    """Return the powers of two from 2 up to a number, and that itself."""
    powers = (2**exponent for exponent in range(1, largest.bit_length()))
    return tuple(sorted({*(power for power in powers if power <= largest), largest}))
