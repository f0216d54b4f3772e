"""commbench's samples against a loop written by hand, on the same calls, in the same launch, block by block.

Run by torchrun: `versus_loop.py SECONDS_PER_SIZE SUITE`. Rank 0 prints one JSON line per collective and size. The
launch is shared because two launches of the same program differ by tens of per cent on a small machine: see
docs/methodology.md. Blocks alternate, and so does who begins, so that drift hits both alike.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from commbench.backend import StoreMeeting, open_backend
from commbench.environment.place import find_place
from commbench.environment.schedstat import RunQueueWait
from commbench.measure.cadence import CADENCES
from commbench.measure.progress import ProgressBoard
from commbench.measure.visit import Visitor
from commbench.model.placement import ranks_of
from commbench.model.plan import Plan
from commbench.plan.expand import expand
from commbench.plan.load import load
from commbench.statistics.intervals import quantile_ranks

BLOCK = 20
LEAD_IN = 2
FEWEST_BLOCKS = 10


def hand_written(collective: str, size_bytes: int) -> Callable[[], object]:
    """The call as people write it."""
    n, count = dist.get_world_size(), size_bytes // 4
    part = max(count // n // 4 * 4, 1)
    big, small, other = torch.ones(part * n), torch.ones(part), torch.ones(part * n)
    whole = torch.ones(count)
    gather: Any = getattr(dist, "all_gather_single", None) or dist.all_gather_into_tensor
    calls: dict[str, Callable[[], object]] = {
        "all_reduce": lambda: dist.all_reduce(whole),
        "all_gather": lambda: gather(big, small),
        "all_to_all": lambda: dist.all_to_all_single(big, other),
    }
    return calls[collective]


def by_hand(call: Callable[[], object]) -> float:
    """The loop that people write: barrier, clock, call, clock; the slowest rank of each call counts. Return its p50."""
    times = []
    for _ in range(BLOCK):
        dist.barrier()
        begin = time.perf_counter_ns()
        call()
        times.append(time.perf_counter_ns() - begin)
    slowest = torch.tensor(times)
    dist.all_reduce(slowest, op=dist.ReduceOp.MAX)
    return float(np.median(slowest[LEAD_IN:].numpy()))


def compare(plan: Plan, seconds: float) -> None:
    place = find_place(os.environ)
    assert place is not None
    backend = open_backend(plan, StoreMeeting(place))
    for point in plan.points:
        group = None if point.skip_reason else backend.group(ranks_of(plan, point))
        if group is None:
            continue
        bound, call = group.bind(point), hand_written(point.collective, point.size_bytes)
        board = ProgressBoard(None, place.rank)
        visitor = Visitor(group, backend.clock, CADENCES["isolated"], board, RunQueueWait())
        blocks: list[tuple[float, float]] = []
        deadline = time.monotonic() + seconds
        while group.share(int(time.monotonic() < deadline or len(blocks) < FEWEST_BLOCKS)):
            bound.prepare(1)
            theirs = by_hand(call) if len(blocks) % 2 else 0.0
            quickest_ns = visitor.untimed(bound, LEAD_IN)
            samples = group.gather_samples(visitor.visit(bound, BLOCK - LEAD_IN, quickest_ns)[0])
            ours = 0.0 if samples is None else float(np.median(samples.time_ns))
            blocks.append((ours, theirs or by_hand(call)))
        if place.rank == 0:
            row = {"collective": point.collective, "size_bytes": point.size_bytes, "ranks": point.world_size}
            print(json.dumps({**row, **summary(np.array(blocks))}), flush=True)
    backend.close()


def summary(blocks: "np.ndarray[Any, np.dtype[np.float64]]") -> dict[str, float]:
    """Return both medians in us, and the median ratio of neighbouring blocks with its 95 % interval."""
    ratios, ranks = np.sort(blocks[:, 0] / blocks[:, 1]), quantile_ranks(len(blocks), 0.5)
    assert ranks is not None
    ours, theirs = np.median(blocks, axis=0) / 1000
    return {
        "blocks": len(blocks),
        "commbench_us": float(ours),
        "loop_us": float(theirs),
        "ratio": float(np.median(ratios)),
        "low": float(ratios[ranks[0] - 1]),
        "high": float(ratios[ranks[1] - 1]),
    }


if __name__ == "__main__":
    compare(expand(load(sys.argv[2]), world_size=int(os.environ["WORLD_SIZE"])), float(sys.argv[1]))
