"""A bucket packed by kernels/bucket.cu: what is prepared once, what is checked and sent at every call."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch

from commbench.bucketing.base import FusedBucket, PackStats
from commbench.bucketing.build import THREADS, KernelBuild
from commbench.bucketing.checks import TensorChecks, check_reduce, check_scale, make_buffer
from commbench.bucketing.layout import PARTIAL_BYTES, STATS_RECORD, UNIT_COUNT
from commbench.bucketing.plan import BucketPlan
from commbench.bucketing.pointers import PointerTable
from commbench.errors import UsageError

_REDUCED_BY_A_THREAD = 4  # elements, in reduce_e4m3


class Launcher(Protocol):
    """Runs a kernel of bucket.cu by name, on torch's current stream of one device."""

    build: KernelBuild
    multiprocessors: int

    def launch(self, kernel: str, blocks: int, arguments: tuple[np.generic, ...]) -> None:
        """Start it with so many blocks and these arguments, each of exactly the kernel's type; do not wait."""


class KernelBucket(FusedBucket):
    """A bucket on the launcher's device. `max_blocks` leaves multiprocessors to work that runs beside it."""

    def __init__(
        self,
        plan: BucketPlan,
        device: torch.device,
        launcher: Launcher,
        buffer: torch.Tensor | None = None,
        max_blocks: int | None = None,
    ) -> None:
        self.plan = plan
        self.device = device
        self.buffer = make_buffer(plan, device, buffer)
        self._launcher = launcher
        self._checks = TensorChecks(plan, self.buffer)
        self._sources, self._targets = (PointerTable(len(plan.counts), device) for _ in range(2))
        self._tiles = torch.from_numpy(plan.tiles.view(np.uint8)).to(device)
        self._one = torch.ones(1, device=device)
        resident = launcher.multiprocessors * launcher.build.blocks_per_multiprocessor
        self._most_blocks = min(resident, max_blocks or resident)
        self._blocks = self._enough_blocks(len(plan.tiles), launcher.build.workers)
        self._stats = torch.zeros(STATS_RECORD.itemsize, dtype=torch.uint8, device=device)
        self._partials = torch.zeros(self._blocks * PARTIAL_BYTES, dtype=torch.uint8, device=device)
        self._has_stats = False

    def pack(
        self, tensors: Sequence[torch.Tensor | None], scale: torch.Tensor | None = None, *, stats: bool = False
    ) -> None:
        ends = (np.uint64(self._stats.data_ptr()), np.uint64(self._partials.data_ptr()))
        name = f"pack_{self.plan.bucket_dtype}" + ("_stats" if stats else "")
        arguments = self._arguments(self._sources, tensors, scale)
        self._launcher.launch(name, self._blocks, (*arguments, *ends))
        self._has_stats = stats

    def unpack(
        self,
        tensors: Sequence[torch.Tensor | None],
        scale: torch.Tensor | None = None,
        *,
        accumulate: bool = False,
    ) -> None:
        name = f"unpack_{self.plan.bucket_dtype}" + ("_add" if accumulate else "")
        self._launcher.launch(name, self._blocks, self._arguments(self._targets, tensors, scale))

    def reduce(self, received: torch.Tensor, out: torch.Tensor, scale: torch.Tensor | None = None) -> None:
        check_reduce(self.plan, received, out, self.device)
        arguments = (
            np.uint64(received.data_ptr()),
            np.uint64(self.plan.message_bytes),
            np.uint32(self.plan.shards),
            np.uint32(self.plan.shard_units),
            np.uint64(self._scale(scale)),
            np.uint64(out.data_ptr()),
        )
        threads = self.plan.shard_units * UNIT_COUNT // _REDUCED_BY_A_THREAD
        self._launcher.launch("reduce_e4m3", self._enough_blocks(threads, THREADS), arguments)

    def stats(self) -> PackStats:
        if not self._has_stats:
            raise UsageError("no statistics here: the last pack was not called with stats=True")
        record = self._stats.cpu().numpy().view(STATS_RECORD)[0]
        return PackStats(int(record["nonfinite_count"]), float(record["amax"]), float(record["sum_of_squares"]))

    def _arguments(
        self, table: PointerTable, tensors: Sequence[torch.Tensor | None], scale: torch.Tensor | None
    ) -> tuple[np.generic, ...]:
        pointers = self._checks.pointers(tensors)
        if not table.holds(pointers):
            self._checks.outside_the_buffer(pointers)
            table.send(pointers)
        return (
            np.uint64(self._tiles.data_ptr()),
            np.uint32(len(self.plan.tiles)),
            np.uint64(table.address),
            np.uint64(self.buffer.data_ptr()),
            np.uint32(self.plan.shard_units),
            np.uint64(self._scale(scale)),
        )

    def _scale(self, scale: torch.Tensor | None) -> int:
        if scale is None:
            return self._one.data_ptr()
        check_scale(scale, self.device)
        return scale.data_ptr()

    def _enough_blocks(self, items: int, items_of_a_block: int) -> int:
        return max(1, min(self._most_blocks, -(-items // items_of_a_block)))
