"""Cadence: what happens between two timed calls. It changes the number, so every row names it."""

from collections.abc import Callable
from typing import Protocol

from commbench.backend import Group
from commbench.model.point import STREAMING


class Cadence(Protocol):
    """What a rank does before every timed call."""

    name: str

    def before_call(self, group: Group) -> Callable[[], object] | None:
        """Return what to do before every call of a visit, or None for nothing."""

    def before_visit(self, group: Group) -> None:
        """Do what is needed once before a visit."""


class Isolated:
    """All ranks meet before every call: one operation in flight, the latency a waiting step sees."""

    name = "isolated"

    def before_call(self, group: Group) -> Callable[[], object] | None:
        return group.barrier

    def before_visit(self, group: Group) -> None:
        """Nothing: the ranks are about to meet before the first call."""


class Streaming:
    """Calls back to back, as nccl-tests makes them; ranks meet only before a visit."""

    name = STREAMING

    def before_call(self, group: Group) -> Callable[[], object] | None:  # noqa: ARG002 - nothing to meet for
        return None

    def before_visit(self, group: Group) -> None:
        group.barrier()


CADENCES: dict[str, Cadence] = {cadence.name: cadence for cadence in (Isolated(), Streaming())}
