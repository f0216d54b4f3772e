"""The form of a collective's table row, after nccl-tests: sizes, data law, bandwidth, and the call itself.

Nothing here imports torch: `bind` is handed the library to call, so the controlling process can plan with
the same rows that the ranks run. Counts are in elements, sizes in bytes.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, log2
from typing import Any, ClassVar, Protocol

from commbench.model.dtype import DTYPES

Call = Callable[[], object]

# nccl-tests rounds the count per rank down to this many bytes so that every rank's part stays aligned.
# Source: the `& -(16/eltSize)` in nccl-tests v2.19.6 src/all_gather.cu, reduce_scatter.cu, alltoall.cu.
ALIGNMENT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Geometry:
    """How one call lays its elements out over ranks.

    `count` and `size_bytes` are nccl-tests' columns of the same names. `destination_counts` is only for uneven
    exchanges: how many elements every rank sends to each destination.
    """

    world_size: int
    count: int
    element_bytes: int
    size_bytes: int
    destination_counts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Piece:
    """The law for a run of received elements: the reduction over `sources` of what each of them sent.

    `start` and `count` place the run in the receive buffer; a source is (rank, where it starts in that rank's
    send buffer).
    """

    start: int
    count: int
    sources: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Buffers:
    """The tensors of one rank, bound to one point; `recv` and `send` overlap when in place."""

    send: Any
    recv: Any
    redop: Any


class Library(Protocol):
    """torch.distributed's calls under their current names, bound to one group."""

    all_reduce: Callable[..., object]
    broadcast: Callable[..., object]
    all_gather_single: Callable[..., object]
    reduce_scatter_single: Callable[..., object]
    all_to_all_single: Callable[..., object]

    def exchange(self, send: Any, to_rank: int, recv: Any, from_rank: int) -> Call:
        """Return a call that sends to one rank and receives from another, and waits for both."""


class Collective(ABC):
    """One row of the table; a subclass with no state is a whole collective."""

    name: ClassVar[str]
    summary: ClassVar[str]
    reduces: ClassVar[bool] = False
    min_ranks: ClassVar[int] = 1
    is_uneven: ClassVar[bool] = False
    # Whether its message is a set of gradients, packed before and unpacked after; the set decides the size.
    is_bucketed: ClassVar[bool] = False
    keeps_part: ClassVar[bool] = False  # of a bucket: whether each rank ends with its own part of the sum
    dtypes: ClassVar[tuple[str, ...]] = tuple(DTYPES)
    # Whether no rank can have its result before the last rank has come: not so with a root or one-way traffic.
    is_synchronising: ClassVar[bool] = True
    # The values of in_place that torch.distributed offers, its natural one first.
    placements: ClassVar[tuple[bool, ...]] = (False, True)

    @abstractmethod
    def geometry(self, requested_bytes: int, element_bytes: int, world_size: int, traffic_skew: float) -> Geometry:
        """Return the layout nearest to the requested size that nccl-tests would run."""

    @abstractmethod
    def buffer_counts(self, geometry: Geometry, rank: int) -> tuple[int, int]:
        """Return how many elements the rank sends and receives."""

    @abstractmethod
    def pieces(self, geometry: Geometry, rank: int) -> Sequence[Piece]:
        """Return the law that the rank's receive buffer obeys afterwards."""

    @abstractmethod
    def bind(self, library: Library, buffers: Buffers, geometry: Geometry, rank: int) -> Call:
        """Return the call to be timed, with nothing left to do but to make it."""

    @abstractmethod
    def bus_factor(self, world_size: int) -> float:
        """Return busbw / algbw: nccl-tests doc/PERFORMANCE.md and the GetBw functions in its src."""

    def bandwidth_bytes(self, geometry: Geometry) -> int:
        """Return the bytes that algbw divides by the time: nccl-tests' size, unless the exchange is uneven."""
        return geometry.size_bytes

    def host_bytes(self, geometry: Geometry, nodes: int) -> float:
        """Return the least that a host moves over the network in one call, all its ranks together.

        What it sends or what it receives, whichever is more: the law of the bus factor with hosts in place of ranks.
        """
        return self.bandwidth_bytes(geometry) * self.bus_factor(nodes) if nodes > 1 else 0.0

    def memory_bytes(self, geometry: Geometry, rank: int, *, in_place: bool) -> int:
        """Return the bytes of the rank's buffers."""
        sent, received = self.buffer_counts(geometry, rank)
        return (max(sent, received) if in_place else sent + received) * geometry.element_bytes

    def steps(self, world_size: int) -> int:
        """Return the rounds of messages a small call needs, for estimates and for the simulated backend."""
        return max(1, ceil(log2(world_size)))

    def in_place_start(self, geometry: Geometry, rank: int) -> int:
        """Return where, in the larger of its two buffers, the rank's smaller one lies when in place."""
        return 0


def split_count(requested_bytes: int, element_bytes: int, world_size: int) -> int:
    """Return the elements per rank when a message is split over ranks, rounded down as nccl-tests does."""
    alignment = max(1, ALIGNMENT_BYTES // element_bytes)
    return requested_bytes // element_bytes // world_size // alignment * alignment


def whole_geometry(requested_bytes: int, element_bytes: int, world_size: int) -> Geometry:
    """Return the layout of collectives where every rank holds the whole message."""
    count = requested_bytes // element_bytes
    return Geometry(world_size, count, element_bytes, count * element_bytes)


def split_geometry(requested_bytes: int, element_bytes: int, world_size: int) -> Geometry:
    """Return the layout of collectives where the message is split evenly over ranks."""
    count = split_count(requested_bytes, element_bytes, world_size)
    return Geometry(world_size, count, element_bytes, count * element_bytes * world_size)
