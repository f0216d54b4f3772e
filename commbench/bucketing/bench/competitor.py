"""What a competitor is: something that does the same work as the fused bucket, its own way."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch

from commbench.bucketing.bench.sets import TensorSet
from commbench.bucketing.bench.work import Direction, Work

OURS = "commbench"
Call = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Prepared:
    """One call on one set; `results` are what it wrote, in the order of the oracle, `memory` where it writes them."""

    call: Call
    results: Callable[[], Sequence[torch.Tensor]]
    memory: torch.Tensor


class Competitor(ABC):
    """A way to do the work. What it needs once for a set of tensors happens in `prepare` and in its first call."""

    name: str
    directions: tuple[Direction, ...] = (Direction.PACK, Direction.UNPACK)  # what it is there for
    is_reimplemented = False  # written again here from published parameters, not run itself

    @property
    def tuning(self) -> Mapping[str, int | bool]:
        """Return the choices that were made for it, by name."""
        return {}

    @abstractmethod
    def refusal(self, work: Work, device: torch.device) -> str:
        """Return why it cannot do this work here; empty when it can."""

    @abstractmethod
    def prepare(self, work: Work, tensors: TensorSet) -> Prepared:
        """Return the call for one set."""

    def launches(self, work: Work) -> int | None:
        """Return the kernels that one call starts, None where unknown."""
        return None


def in_set(work: Work, tensors: TensorSet, call: Call) -> Prepared:
    """Return a call that writes into the set itself: its dense bucket, or its tensors when it unpacks or reduces."""
    if work.direction in {Direction.UNPACK, Direction.UNPACK_ADD, Direction.REDUCE}:
        return Prepared(call, lambda: tensors.tensors, tensors.arena)
    return Prepared(call, lambda: tensors.places, tensors.flat)
