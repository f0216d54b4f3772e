"""Calls replayed from a CUDA graph: the right data, and what they save against calls launched by the host."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from commbench.backend import Group, StoreMeeting, open_backend
from commbench.backend.cuda_graph import GraphPoint
from commbench.environment.place import Place
from commbench.measure.cadence import CADENCES
from commbench.model.plan import Plan

from .device import OneGpu, SleepPoint, Suites, cycles_of, times_us, visitor

pytestmark = pytest.mark.gpu

CALLS = 400
SWEEP = 'ranks = [1]\nsizes = [64]\nlaunch = ["host", "graph"]'


@pytest.fixture
def plan(suites: Suites) -> Plan:
    return suites.plan(SWEEP)


@pytest.fixture
def group(plan: Plan, no_launcher: None, free_port: int) -> Iterator[Group]:
    """Return a group of one rank over NCCL, in this process."""
    backend = open_backend(plan, StoreMeeting(Place("torchrun", 0, 1, 0, "127.0.0.1", free_port)))
    found = backend.group((0,))
    assert found is not None
    yield found
    backend.close()


def test_a_replay_takes_as_long_as_what_was_recorded() -> None:
    point, rank = SleepPoint(cycles_of(1000)), visitor(OneGpu())
    host, graph = (np.median(times_us(each, 20, rank)) for each in (point, GraphPoint(point)))
    assert graph == pytest.approx(host, rel=0.02)


def test_every_call_of_a_graph_leaves_the_right_data(plan: Plan, group: Group) -> None:
    for point in plan.points:
        bound = group.bind(point)
        for salt in (1, 2, 3):  # the first call connects and records, the others replay
            bound.prepare(salt)
            bound.call()
            torch.cuda.synchronize()
            assert bound.check(salt).is_right, point.label


@pytest.mark.parametrize("collective", ["all_reduce", "all_gather", "reduce_scatter"])
def test_what_a_replay_saves_is_reported(
    plan: Plan, group: Group, collective: str, capsys: pytest.CaptureFixture[str]
) -> None:
    p50_us = {}
    for point in plan.points:
        if point.collective == collective:
            bound = group.bind(point)
            bound.prepare(1)
            for cadence in ("isolated", "streaming"):
                times = times_us(bound, CALLS, visitor(group, CADENCES[cadence]))
                p50_us[point.launch, cadence] = float(np.median(times))
    with capsys.disabled():
        words = ", ".join(f"{launch} {cadence} {us:.2f} us" for (launch, cadence), us in p50_us.items())
        print(f"\n{collective} of 64 B on one rank, p50: {words}")
    assert all(us >= 0 for us in p50_us.values())
