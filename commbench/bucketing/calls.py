"""The calls of one torch process group that reduce and gather, under their current names, for old and new torch."""

from functools import partial
from typing import TYPE_CHECKING

import torch.distributed as dist

if TYPE_CHECKING:
    from collections.abc import Callable

# torch 2.13 renamed these and warns about the old names.
_ALL_GATHER = getattr(dist, "all_gather_single", None) or dist.all_gather_into_tensor
_REDUCE_SCATTER = getattr(dist, "reduce_scatter_single", None) or dist.reduce_scatter_tensor


class GroupCalls:
    """The calls of one group; partials, so that binding a buffer adds no Python frame to the timed call."""

    def __init__(self, group: dist.ProcessGroup) -> None:
        self.all_reduce: Callable[..., object] = partial(dist.all_reduce, group=group)
        self.all_gather_single: Callable[..., object] = partial(_ALL_GATHER, group=group)
        self.reduce_scatter_single: Callable[..., object] = partial(_REDUCE_SCATTER, group=group)
        self.all_to_all_single: Callable[..., object] = partial(dist.all_to_all_single, group=group)
