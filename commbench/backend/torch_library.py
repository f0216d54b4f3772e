"""torch.distributed's collectives under their current names, bound to one group, for old and new torch."""

from functools import partial
from typing import TYPE_CHECKING, Any

import torch.distributed as dist

from commbench.collectives.base import Call

if TYPE_CHECKING:
    from collections.abc import Callable

REDOPS = {"sum": dist.ReduceOp.SUM, "min": dist.ReduceOp.MIN, "max": dist.ReduceOp.MAX}

# torch 2.13 renamed these and warns about the old names.
_ALL_GATHER = getattr(dist, "all_gather_single", None) or dist.all_gather_into_tensor
_REDUCE_SCATTER = getattr(dist, "reduce_scatter_single", None) or dist.reduce_scatter_tensor


class TorchLibrary:
    """The calls of one group; partials, so that binding a buffer adds no Python frame to the timed call."""

    def __init__(self, group: dist.ProcessGroup) -> None:
        self._group = group
        self.all_reduce: Callable[..., object] = partial(dist.all_reduce, group=group)
        self.broadcast: Callable[..., object] = partial(dist.broadcast, group=group)
        self.all_gather_single: Callable[..., object] = partial(_ALL_GATHER, group=group)
        self.reduce_scatter_single: Callable[..., object] = partial(_REDUCE_SCATTER, group=group)
        self.all_to_all_single: Callable[..., object] = partial(dist.all_to_all_single, group=group)

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
