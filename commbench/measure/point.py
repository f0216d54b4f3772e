"""Measure one point on one rank: first call, check, warm-up, visits until the rule is satisfied, check again."""

import time
from dataclasses import dataclass

import numpy as np

from commbench.backend import Backend, BoundPoint, Group
from commbench.measure.cadence import CADENCES
from commbench.measure.progress import ProgressBoard
from commbench.measure.stopping import StoppingRule, stopping_rule
from commbench.measure.visit import Visitor
from commbench.model.plan import Protocol
from commbench.model.point import Point
from commbench.model.result import Correctness, PointResult, Samples, Status
from commbench.units import NS_PER_US

_SALT_BEFORE, _SALT_AFTER = 1, 2  # different data, so that what the first check left behind cannot pass the second


@dataclass(frozen=True, slots=True)
class PointRunner:
    """What this rank needs to measure any point of a plan; `hosts` names each rank's host, on rank 0."""

    protocol: Protocol
    backend: Backend
    board: ProgressBoard
    hosts: tuple[str, ...]

    def measure(self, point: Point, attempt: int) -> PointResult | None:
        """Measure a point and return its result on rank 0, None on other ranks and on those that take no part."""
        group = self.backend.group(point.world_size)
        if group is None:
            return None
        started_at_ns = time.time_ns()
        bound, rule = group.bind(point), stopping_rule(self.protocol)
        visitor = Visitor(group, self.backend.clock, CADENCES[point.cadence], self.board)
        first = group.gather_samples(visitor.visit(bound, 1))
        before = self._verify(bound, group, _SALT_BEFORE)
        visitor.untimed(bound, self.protocol.warmup_iterations)
        visits = _visit_until_enough(bound, visitor, rule)
        after = self._verify(bound, group, _SALT_AFTER)
        if first is None or visits is None:
            return None
        wrong, when = (before, "before") if not before.is_right else (after, "after")
        return PointResult(
            point=point,
            attempt=attempt,
            status=Status.OK if wrong.is_right else Status.WRONG,
            started_at_ns=started_at_ns,
            error="" if wrong.is_right else _describe(wrong, when),
            correctness=wrong,
            samples=visits.samples,
            warmup_iterations=self.protocol.warmup_iterations,
            visits=visits.count,
            stopping=rule.name,
            first_call_us=float(first.time_ns[0]) / NS_PER_US,
            timer=self.backend.clock.name,
            timer_resolution_ns=self.backend.clock.resolution_ns,
            hosts=self.hosts[: point.world_size],
        )

    def _verify(self, bound: BoundPoint, group: Group, salt: int) -> Correctness:
        return group.gather_correctness(bound.verify(salt)) if self.protocol.verify else Correctness()


@dataclass(frozen=True, slots=True)
class _Visits:
    samples: Samples
    count: int


def _visit_until_enough(bound: BoundPoint, visitor: Visitor, rule: StoppingRule) -> _Visits | None:
    """Visit the point until rank 0's rule has enough; all ranks make the same calls, rank 0 gets the samples."""
    gathered: list[Samples] = []
    time_ns = np.zeros(0, dtype=np.int64)  # stays empty on the other ranks: share() ignores what they would decide
    while (calls := visitor.group.share(max(0, rule.next_visit(time_ns)))) > 0:
        samples = visitor.group.gather_samples(visitor.visit(bound, calls))
        if samples is not None:
            gathered.append(samples)
            time_ns = np.concatenate([time_ns, samples.time_ns])
    if visitor.group.rank != 0:
        return None
    enter = np.concatenate([samples.enter_ns for samples in gathered], axis=1)
    leave = np.concatenate([samples.exit_ns for samples in gathered], axis=1)
    return _Visits(Samples(enter_ns=enter, exit_ns=leave), len(gathered))


def _describe(wrong: Correctness, when: str) -> str:
    return (
        f"{wrong.wrong_count} wrong elements {when} timing; the first on rank {wrong.rank} at index {wrong.index}: "
        f"expected {wrong.expected:g}, got {wrong.got:g}"
    )
