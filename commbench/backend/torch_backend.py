"""Real ranks through torch.distributed: gloo between CPUs, NCCL between GPUs."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta

import torch
import torch.distributed as dist

from commbench.backend import torch_facts
from commbench.backend.base import Backend, Clock, Group
from commbench.backend.host_clock import HostClock
from commbench.backend.meeting import StoreMeeting
from commbench.backend.torch_bucket import Buckets
from commbench.backend.torch_group import TorchGroup, arena_for, open_device
from commbench.backend.torch_text import gather_texts
from commbench.journal.codec import host_from_json
from commbench.model.environment import HostFacts
from commbench.model.placement import ranks_of
from commbench.model.plan import Plan

Ranks = tuple[int, ...]

# The controller names the culprit at the point's limit; the backend's own, nameless, limit comes after it.
_BACKEND_GRACE_S = 30


class TorchBackend(Backend):
    """One rank of a torch.distributed launch, with a sub-group for every set of ranks of the plan."""

    def __init__(self, plan: Plan, meeting: StoreMeeting) -> None:
        place = meeting.place
        torch.set_num_threads(1)  # a rank is one core; more threads would take another rank's
        if any(point.shared_gpu for point in plan.points):
            _pose_as_host(place.rank)
        device = open_device(plan.backend, place.local_rank)
        name = "gloo" if plan.backend == "gloo" else "cpu:gloo,cuda:nccl"
        limit = timedelta(seconds=plan.protocol.point_limit_s + _BACKEND_GRACE_S)
        dist.init_process_group(
            name,
            store=meeting.store,
            rank=place.rank,
            world_size=place.world_size,
            timeout=limit,
            device_id=None if device.type == "cpu" else device,
        )
        self.rank, self.world_size = dist.get_rank(), dist.get_world_size()
        self.clock = _clock(device, plan)
        self._groups = self._open_groups(plan, device, name, limit)

    def _open_groups(self, plan: Plan, device: torch.device, name: str, limit: timedelta) -> dict[Ranks, TorchGroup]:
        """Open one group for every set of ranks that some point needs; every rank takes part in opening all of them."""
        members = {point.point_id: ranks_of(plan, point) for point in plan.points if not point.skip_reason}
        mine = {i: ranks.index(self.rank) for i, ranks in members.items() if self.rank in ranks}
        arena = arena_for(((plan.points[i], place) for i, place in mine.items()), device)
        buckets = Buckets({each.name: each for each in plan.gradients}, device, self.clock.stamp)
        groups = {}
        for ranks in sorted(set(members.values())):
            group = dist.group.WORLD if len(ranks) == self.world_size else None
            if group is None:
                group = dist.new_group(list(ranks), timeout=limit, backend=name)
            if self.rank in ranks:
                groups[ranks] = TorchGroup(group, device, arena, buckets)
        return groups

    def group(self, ranks: Ranks) -> Group | None:
        return self._groups.get(ranks)

    def complete_facts(self, facts: HostFacts) -> HostFacts:
        return torch_facts.complete(facts, self.rank)

    def gather_texts(self, text: str) -> Sequence[str]:
        return gather_texts(text)

    def gather_facts(self, facts: HostFacts) -> Sequence[HostFacts]:
        return [host_from_json(json.loads(text)) for text in gather_texts(json.dumps(asdict(facts)))]

    def close(self) -> None:
        for group in self._groups.values():
            group.release()
        dist.destroy_process_group()


def _pose_as_host(rank: int) -> None:
    """Make NCCL take this rank for a host of its own, because it refuses two ranks of one host on one GPU.

    It compares host hash and bus id, and NCCL_HOSTID is what it hashes (init.cc, misc/utils.cc of NCCL 2.30.7).
    """
    os.environ["NCCL_HOSTID"] = f"commbench-shared-{rank}"


def _clock(device: torch.device, plan: Plan) -> Clock:
    if device.type == "cpu":
        return HostClock()
    from commbench.backend.cuda_clock import CudaEventClock

    return CudaEventClock(plan.protocol.visit_iterations)
