"""Whole runs through the command line, on one GPU: with one rank, and with two that share it."""

import pytest
import torch

from commbench.errors import ExitCode

from .device import Suites

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(600)]

BOTH = 'launch = ["host", "graph"]\n'


def test_one_rank_measures_every_launch_mode_and_cadence(suites: Suites) -> None:
    done = suites.run(BOTH + 'ranks = [1]\nsizes = ["64..1MiB x16"]\ncadence = ["isolated", "streaming"]')
    assert done.returncode == 0, done.stderr
    points = suites.points()
    assert set(points["status"]) == {"ok"}
    assert set(points["wrong_count"]) == {0}
    assert set(points["timer"]) == {"cuda_event"}
    assert not points["shared_gpu"].any()
    assert points.groupby(["launch", "cadence"]).ngroups == 4
    assert points["series_id"].nunique() == len(points)
    assert points["nccl_version"].str.len().min() > 0


def test_two_ranks_on_one_gpu_work_and_say_so(suites: Suites) -> None:
    done = suites.run(BOTH + 'ranks = [2]\nsizes = ["1KiB..64KiB x64"]\nshared_gpu = true')
    assert done.returncode == 0, done.stderr
    points = suites.points()
    assert set(points["status"]) == {"ok"}
    assert set(points["wrong_count"]) == {0}
    assert points["shared_gpu"].all()


def test_more_ranks_than_gpus_are_refused_when_the_suite_does_not_say_that_they_may_share(suites: Suites) -> None:
    done = suites.run(f"ranks = [{torch.cuda.device_count() + 1}]\nsizes = [1024]")
    assert done.returncode == ExitCode.UNFIT, done.stderr
    assert "need a CUDA GPU each" in done.stderr
