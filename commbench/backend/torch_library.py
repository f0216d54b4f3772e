"""torch.distributed's collectives under their current names, bound to one group, for old and new torch."""

from functools import partial
from typing import TYPE_CHECKING, Any

import torch.distributed as dist

from commbench.bucketing.calls import GroupCalls
from commbench.collectives.base import Call

if TYPE_CHECKING:
    from collections.abc import Callable

REDOPS = {"sum": dist.ReduceOp.SUM, "min": dist.ReduceOp.MIN, "max": dist.ReduceOp.MAX}


class TorchLibrary(GroupCalls):
    """All calls of one group that collectives bind."""

    def __init__(self, group: dist.ProcessGroup) -> None:
        super().__init__(group)
        self._group = group
        self.broadcast: Callable[..., object] = partial(dist.broadcast, group=group)

    def exchange(self, send: Any, to_rank: int, recv: Any, from_rank: int) -> Call:
        operations = [
            dist.P2POp(dist.isend, send, group=self._group, group_peer=to_rank),
            dist.P2POp(dist.irecv, recv, group=self._group, group_peer=from_rank),
        ]
        return partial(_run, operations)

    def start_flow(self, send: Any, to_rank: int | None, recv: Any, from_rank: int | None) -> list[dist.Work]:
        """Start to receive, to send or both at once; with gloo the first work is the one that receives."""
        operations = []
        if from_rank is not None:
            operations.append(dist.P2POp(dist.irecv, recv, group=self._group, group_peer=from_rank))
        if to_rank is not None:
            operations.append(dist.P2POp(dist.isend, send, group=self._group, group_peer=to_rank))
        return dist.batch_isend_irecv(operations)


def _run(operations: list[dist.P2POp]) -> None:
    for work in dist.batch_isend_irecv(operations):
        work.wait()
