"""What is written for GPUs can be imported where torch has no CUDA, and does in order what it says."""

import os
import subprocess
import sys
import warnings

import pytest

from commbench.backend import torch_backend
from commbench.backend.base import BoundPoint
from commbench.backend.cuda_graph import GraphPoint
from commbench.model.result import Correctness

from .fake_cuda import FakeCuda


@pytest.mark.parametrize("module", ["cuda_clock", "cuda_graph", "torch_backend", "torch_group"])
def test_the_module_can_be_imported_without_a_gpu_and_touches_none(module: str) -> None:
    program = f"import commbench.backend.{module}, torch; assert not torch.cuda.is_initialized()"
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"CUDA_VISIBLE_DEVICES": "", "PATH": ""}
    )
    assert done.returncode == 0, done.stderr


def test_ranks_that_share_a_gpu_pose_as_hosts_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NCCL_HOSTID", "what the user had")
    seen = []
    for rank in range(2):
        torch_backend._pose_as_host(rank)
        seen.append(os.environ["NCCL_HOSTID"])
    assert seen == ["commbench-shared-0", "commbench-shared-1"]


class DeviceWork(BoundPoint):
    """A call that enqueues 5 us of work; what is asked of it is noted in the device's diary."""

    def __init__(self, cuda: FakeCuda) -> None:
        self._cuda = cuda
        self.call = lambda: cuda.work(5)

    def prepare(self, salt: int) -> None:
        self._cuda.diary.append(f"prepare {salt}")

    def check(self, salt: int) -> Correctness:
        return Correctness(wrong_count=salt)


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> FakeCuda:
    fake = FakeCuda()
    fake.install(monkeypatch)
    return fake


def test_the_first_call_runs_once_on_a_side_stream_and_is_then_recorded(cuda: FakeCuda) -> None:
    point = GraphPoint(DeviceWork(cuda))
    assert cuda.diary == []
    point.call()
    assert cuda.diary == ["side waits for main", "work 5 on side", "main waits for side"]
    assert cuda.queue == [5]


def test_later_calls_replay_on_the_stream_that_the_events_are_on(cuda: FakeCuda) -> None:
    point = GraphPoint(DeviceWork(cuda))
    point.call()
    cuda.diary.clear()
    point.call()
    point.call()
    assert cuda.diary == ["replay on main: work 5"] * 2


def test_data_is_laid_and_checked_by_the_point_itself(cuda: FakeCuda) -> None:
    point = GraphPoint(DeviceWork(cuda))
    point.prepare(3)
    assert cuda.diary == ["prepare 3"]
    assert point.check(7).wrong_count == 7


def test_a_graph_with_nothing_in_it_is_no_warning_for_one_rank_in_place_has_nothing_to_do(cuda: FakeCuda) -> None:
    point = DeviceWork(cuda)
    point.call = lambda: None
    graph = GraphPoint(point)
    graph.call()
    graph.call()
    assert cuda.diary[-1] == "replay on main: "


def test_what_was_recorded_is_let_go_of_once(cuda: FakeCuda) -> None:
    point = GraphPoint(DeviceWork(cuda))
    point.release()
    assert cuda.diary == []
    point.call()
    cuda.diary.clear()
    point.release()
    point.release()
    assert cuda.diary == ["reset"]


def test_any_other_warning_is_heard(cuda: FakeCuda) -> None:
    point = DeviceWork(cuda)
    point.call = lambda: warnings.warn("something else", stacklevel=1)
    with pytest.warns(UserWarning, match="something else"):
        GraphPoint(point).call()
