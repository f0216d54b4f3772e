"""A torch process group with one rank's buffers: binds points, gathers what the ranks measured."""

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import torch
import torch.distributed as dist

from commbench.backend.base import BoundPoint, Group
from commbench.backend.pattern import Pattern
from commbench.backend.torch_bucket import Buckets
from commbench.backend.torch_library import REDOPS, TorchLibrary
from commbench.backend.torch_text import gather_texts
from commbench.collectives import Collective, get
from commbench.collectives.base import Buffers, Geometry
from commbench.collectives.of_point import geometry_of
from commbench.model.dtype import DTYPES
from commbench.model.point import GRAPH_LAUNCH, Point
from commbench.model.result import Correctness, Samples

if TYPE_CHECKING:
    from commbench.backend.cuda_graph import GraphPoint


class Arena:
    """Device memory that all points share, so that a point costs no allocation and no first touch.

    Points whose visits alternate overwrite each other's data, never during a visit.
    """

    def __init__(self, device: torch.device, send_bytes: int, recv_bytes: int) -> None:
        self._blocks = {
            "send": torch.zeros(send_bytes, dtype=torch.uint8, device=device),
            "recv": torch.zeros(recv_bytes, dtype=torch.uint8, device=device),
        }

    def take(self, name: str, count: int, dtype: torch.dtype) -> torch.Tensor:
        """Return `count` elements at the beginning of the block `send` or `recv`."""
        return self._blocks[name][: count * dtype.itemsize].view(dtype)


def arena_for(parts: Iterable[tuple[Point, int]], device: torch.device) -> Arena:
    """Return memory that is large enough for any one of some points, each with this rank's place in its group.

    Bucketed points have none of it: gradients are allocated one by one, as a model's are.
    """
    send_bytes = recv_bytes = 0
    for point, rank in parts:
        if point.gradients:
            continue
        counts = get(point.collective).buffer_counts(geometry_of(point), rank)
        sent, received = (count * DTYPES[point.dtype].size_bytes for count in counts)
        send_bytes = max(send_bytes, 0 if point.in_place else sent)
        recv_bytes = max(recv_bytes, max(sent, received) if point.in_place else received)
    return Arena(device, send_bytes, recv_bytes)


class TorchPoint(BoundPoint):
    """A point bound to buffers and to torch's call."""

    def __init__(
        self, collective: Collective, geometry: Geometry, pattern: Pattern, buffers: Buffers, group: "TorchGroup"
    ) -> None:
        self._collective, self._geometry, self._pattern, self._buffers = collective, geometry, pattern, buffers
        self._group = group
        self.call = collective.bind(group.library, buffers, geometry, group.rank)

    def prepare(self, salt: int) -> None:
        # What is not overwritten by the collective must not look right by chance.
        self._buffers.recv.fill_(float("nan") if self._buffers.recv.is_floating_point() else 0)
        self._pattern.fill(self._buffers.send, self._group.rank, salt)

    def check(self, salt: int) -> Correctness:
        pieces = self._collective.pieces(self._geometry, self._group.rank)
        return self._pattern.check(self._buffers.recv, pieces, self._group.rank, salt)


class TorchGroup(Group):
    """The first `world_size` ranks of the launch; control messages travel between CPUs whatever the backend."""

    def __init__(self, group: dist.ProcessGroup, device: torch.device, arena: Arena, buckets: Buckets) -> None:
        self._group = group
        self._device = device
        self._arena = arena
        self._buckets = buckets
        self.rank = dist.get_rank(group)
        self.world_size = dist.get_world_size(group)
        self.library = TorchLibrary(group)
        self._token = torch.zeros(1)
        self._recorded: WeakSet[GraphPoint] = WeakSet()

    def bind(self, point: Point) -> BoundPoint:
        bound = self._bind_bucket(point) if point.gradients else self._bind_buffers(point)
        if point.launch != GRAPH_LAUNCH:
            return bound
        from commbench.backend.cuda_graph import GraphPoint

        graph = GraphPoint(bound)
        self._recorded.add(graph)
        return graph

    def release(self) -> None:
        """Let go of what was recorded of this group's calls, before the group is closed."""
        for graph in list(self._recorded):
            graph.release()

    def _bind_bucket(self, point: Point) -> BoundPoint:
        return self._buckets.bind(point, self.library, self.rank)

    def _bind_buffers(self, point: Point) -> BoundPoint:
        collective, dtype = get(point.collective), DTYPES[point.dtype]
        geometry = geometry_of(point)
        buffers = self._buffers(collective, geometry, point)
        return TorchPoint(collective, geometry, Pattern(dtype, point.redop, self.world_size), buffers, self)

    def _buffers(self, collective: Collective, geometry: Geometry, point: Point) -> Buffers:
        dtype: torch.dtype = getattr(torch, point.dtype)
        sent, received = collective.buffer_counts(geometry, self.rank)
        if not point.in_place:
            send, recv = self._arena.take("send", sent, dtype), self._arena.take("recv", received, dtype)
        else:
            whole = self._arena.take("recv", max(sent, received), dtype)
            start = collective.in_place_start(geometry, self.rank)
            part = whole[start : start + min(sent, received)]
            send, recv = (part, whole) if sent < received else (whole, part)
        return Buffers(send, recv, REDOPS.get(point.redop))

    def barrier(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize()
            dist.all_reduce(self._token, group=self._group)  # on CPU memory: gloo carries it
        else:
            dist.barrier(self._group)

    def flow_ns(self, size_bytes: int, to_rank: int | None, from_rank: int | None) -> int:
        send, recv = (self._arena.take(name, size_bytes, torch.uint8) for name in ("send", "recv"))
        started_ns = time.perf_counter_ns()
        first, *rest = self.library.start_flow(send, to_rank, recv, from_rank)
        first.wait()
        if self._device.type == "cuda":
            torch.cuda.synchronize()  # NCCL has made one kernel of both directions: it ends with the later one
        took_ns = time.perf_counter_ns() - started_ns
        for work in rest:
            work.wait()
        return took_ns

    def gather_samples(self, samples: Samples) -> Samples | None:
        rows = self._gather(torch.from_numpy(samples.stacked()))
        return None if rows is None else Samples(*torch.cat(rows, dim=1).numpy())

    def gather_correctness(self, verdict: Correctness) -> Correctness:
        numbers = [verdict.wrong_count, verdict.rank, verdict.index, verdict.expected, verdict.got]
        rows = [torch.zeros(len(numbers), dtype=torch.float64) for _ in range(self.world_size)]
        dist.all_gather(rows, torch.tensor(numbers, dtype=torch.float64), group=self._group)
        wrong = [row.tolist() for row in rows if row[0]]
        if not wrong:
            return Correctness()
        _, rank, index, expected, got = wrong[0]
        return Correctness(int(sum(row[0] for row in wrong)), int(rank), int(index), expected, got)

    def gather_texts(self, text: str) -> Sequence[str]:
        return gather_texts(text, self._group)

    def share(self, number: int) -> int:
        told = torch.tensor([number], dtype=torch.int64)
        dist.broadcast(told, group=self._group, group_src=0)
        return int(told)

    def largest(self, number: int) -> int:
        told = torch.tensor([number], dtype=torch.int64)
        dist.all_reduce(told, op=dist.ReduceOp.MAX, group=self._group)
        return int(told)

    def _gather(self, mine: torch.Tensor) -> list[torch.Tensor] | None:
        rows: list[torch.Tensor] | None = None
        if self.rank == 0:
            rows = [torch.empty_like(mine) for _ in range(self.world_size)]
        dist.gather(mine, rows, group=self._group, group_dst=0)
        return rows


def open_device(backend: str, local_rank: int) -> Any:
    """Return the device whose memory the backend moves: this rank's GPU for NCCL, the CPU for gloo."""
    if backend != "nccl":
        return torch.device("cpu")
    device = torch.device("cuda", local_rank % torch.cuda.device_count())
    torch.cuda.set_device(device)
    return device
