"""What measuring asks of a backend; torch and the simulation each answer it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from commbench.collectives.base import Call
from commbench.errors import UnfitError
from commbench.model.environment import HostFacts
from commbench.model.point import Point
from commbench.model.result import Correctness, Samples

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Stamp = Any  # whatever the clock takes cheaply: an int, or a CUDA event


class Clock(Protocol):
    """A source of stamps that costs little when taken and is read later."""

    name: str
    resolution_ns: float
    is_comparable: bool  # whether stamps of two ranks can be put on one clock

    @property
    def stamp(self) -> Callable[[], Stamp]:
        """Return the function that takes one stamp."""

    def resolve(self, stamps: Sequence[Stamp]) -> "NDArray[np.int64]":
        """Return the stamps in nanoseconds on this clock, waiting for the device if it must."""


class BoundPoint(ABC):
    """One point on one rank: buffers filled, the call ready to be made."""

    call: Call

    def begin_visit(self) -> None:  # noqa: B027 - most points do not care
        """Hear that a visit begins."""

    def take_marks(self) -> Sequence[Stamp]:
        """Return the stamps taken inside the calls since the last time, two of each call, and forget them.

        The first says when this rank had packed, the second when the collective had ended; there are none where a
        call has no such parts.
        """
        return ()

    @abstractmethod
    def prepare(self, salt: int) -> None:
        """Fill this rank's buffers with fresh data, so that what the next call leaves there can be checked."""

    @abstractmethod
    def check(self, salt: int) -> Correctness:
        """Return this rank's verdict on what one call left in its buffers, prepared with the same salt."""


class Group(ABC):
    """The ranks that take part in a point, seen from one of them."""

    rank: int
    world_size: int

    @abstractmethod
    def bind(self, point: Point) -> BoundPoint:
        """Return the point bound to this rank's buffers."""

    @abstractmethod
    def barrier(self) -> None:
        """Return when all ranks of the group have come and this rank's device is idle."""

    @abstractmethod
    def gather_samples(self, samples: Samples) -> Samples | None:
        """Return all ranks' samples, one row a rank, on rank 0; None elsewhere. `samples` holds this rank's row."""

    @abstractmethod
    def gather_correctness(self, verdict: Correctness) -> Correctness:
        """Return, on every rank, the sum of all ranks' wrong elements with the first rank's first one."""

    @abstractmethod
    def gather_texts(self, text: str) -> Sequence[str]:
        """Return all ranks' texts in rank order on rank 0; an empty sequence elsewhere."""

    def flow_ns(self, size_bytes: int, to_rank: int | None, from_rank: int | None) -> int:  # noqa: ARG002 - not here
        """Send bytes to a rank while as many come from another; return the ns until those that come are here.

        Either may be None; who only sends is told how long that took. At most the size of the group's largest point.

        Raises:
            UnfitError: there are no links between these ranks.
        """
        raise UnfitError("there are no links between simulated ranks; take the gloo or the nccl backend")

    @abstractmethod
    def share(self, number: int) -> int:
        """Return rank 0's number on every rank."""

    @abstractmethod
    def largest(self, number: int) -> int:
        """Return the largest of all ranks' numbers on every rank."""


class Backend(ABC):
    """One process's membership in a launch."""

    rank: int
    world_size: int
    clock: Clock

    @abstractmethod
    def group(self, ranks: tuple[int, ...]) -> Group | None:
        """Return the group of these ranks, ascending and with rank 0; None when this rank is not among them."""

    @abstractmethod
    def gather_texts(self, text: str) -> Sequence[str]:
        """Return the texts of all ranks of the launch in rank order on rank 0; an empty sequence elsewhere."""

    @abstractmethod
    def gather_facts(self, facts: HostFacts) -> Sequence[HostFacts]:
        """Return the facts of all ranks in rank order on rank 0; an empty sequence elsewhere."""

    @abstractmethod
    def complete_facts(self, facts: HostFacts) -> HostFacts:
        """Return the facts with the backend's own added: versions and the library that was really loaded."""

    @abstractmethod
    def close(self) -> None:
        """Leave the process group."""
