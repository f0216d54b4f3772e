"""The simulated fabric's planted truth is found again, through the same code that measures real ranks."""

from dataclasses import replace

import numpy as np
import pytest

from commbench.backend import BoundPoint
from commbench.backend.simulated import SimulatedBackend, SimulatedGroup
from commbench.collectives import COLLECTIVES, get
from commbench.environment.schedstat import RunQueueWait
from commbench.measure.cadence import CADENCES
from commbench.measure.progress import ProgressBoard
from commbench.measure.visit import Visitor
from commbench.model.bandwidth import busbw_gb_s
from commbench.model.plan import Truth
from commbench.model.result import Correctness, PointResult, Samples, Status
from commbench.model.summary import Summary, summarise

from .plans import QUIET, make_plan, make_point, simulate

MIB = 2**20


def samples_of(result: PointResult) -> Samples:
    assert result.samples is not None
    return result.samples


def summary_of(result: PointResult) -> Summary:
    return summarise(samples_of(result).time_ns)


# Worked by hand: steps x 5 us + bytes on the slowest link at 10 bytes a nanosecond, rounded to it.
BY_HAND_NS = [
    ("all_reduce", MIB, 4, 4 * 5_000 + 157_286),  # 2 log2(4) steps, 3/2 of the size
    ("all_reduce", 8, 2, 2 * 5_000 + 1),
    ("all_gather", MIB, 4, 2 * 5_000 + 78_643),
    ("reduce_scatter", MIB, 8, 3 * 5_000 + 91_750),
    ("broadcast", MIB, 8, 3 * 5_000 + 104_858),
    ("all_to_all", MIB, 8, 7 * 5_000 + 91_750),
    ("all_to_all_v", MIB, 2, 1 * 5_000 + 52_429),  # skew 0 is all_to_all
    ("send_recv", MIB, 4, 1 * 5_000 + 104_858),
]


@pytest.mark.parametrize(("collective", "size_bytes", "world_size", "time_ns"), BY_HAND_NS)
def test_without_noise_every_call_takes_exactly_what_the_law_says(
    collective: str, size_bytes: int, world_size: int, time_ns: int
) -> None:
    result = simulate(make_plan(make_point(collective, size_bytes, world_size), QUIET))
    assert (result.status, result.stopping, result.warmup_iterations) == (Status.OK, "fixed:3", 2)
    assert samples_of(result).time_ns.tolist() == [time_ns] * 3
    assert samples_of(result).enter_ns.shape == (world_size, 3)
    assert summary_of(result).p50_us == time_ns / 1000
    assert result.first_call_us == time_ns / 1000


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("collective", ["all_reduce", "all_to_all"])
def test_with_noise_the_median_finds_the_law_within_two_percent(collective: str, seed: int) -> None:
    point = make_point(collective, MIB, 4)
    truth = replace(QUIET, noise_sigma=0.05)
    exact = summary_of(simulate(make_plan(point, QUIET)))
    noisy = summary_of(simulate(make_plan(point, truth, iterations=2000, seed=seed)))
    assert noisy.p50_us == pytest.approx(exact.p50_us, rel=0.02)
    assert noisy.std_us / noisy.mean_us == pytest.approx(0.05, rel=0.1)
    assert noisy.n == 2000


def test_the_same_seed_gives_the_same_samples_and_another_seed_others() -> None:
    point, truth = make_point("all_reduce", MIB, 4), replace(QUIET, noise_sigma=0.05, arrival_us=1.0)
    first, again, other = (samples_of(simulate(make_plan(point, truth, 50, seed))) for seed in (1, 1, 2))
    assert np.array_equal(first.exit_ns, again.exit_ns)
    assert not np.array_equal(first.exit_ns, other.exit_ns)


@pytest.mark.parametrize("world_size", [2, 3, 8])
@pytest.mark.parametrize("collective", COLLECTIVES)
def test_the_bus_bandwidth_of_a_large_message_tends_to_the_planted_beta(collective: str, world_size: int) -> None:
    point = make_point(collective, 2**30, world_size, traffic_skew=1.0)
    row = get(collective)
    geometry = row.geometry(2**30, 4, world_size, 1.0)
    time_ns = float(samples_of(simulate(make_plan(point, QUIET))).time_ns[0])
    busbw = busbw_gb_s(row.bandwidth_bytes(geometry), time_ns, row.bus_factor(world_size))
    assert busbw == pytest.approx(QUIET.beta_gb_s, rel=1e-3)
    assert busbw <= QUIET.beta_gb_s


class LateInTurn(BoundPoint):
    """Ranks take turns in arriving 1 us late for calls that take 10 us after the last arrival."""

    def __init__(self, group: SimulatedGroup) -> None:
        self.group, self.made = group, 0
        self.call = self._step

    def prepare(self, salt: int) -> None:
        """There is no data."""

    def check(self, salt: int) -> Correctness:
        return Correctness()

    def _step(self) -> None:
        late = np.zeros(self.group.world_size, dtype=np.int64)
        late[self.made % len(late)] = 1_000
        self.made += 1
        self.group.step(late, 10_000)


@pytest.mark.parametrize("cadence", CADENCES)
def test_a_calls_time_is_the_maximum_over_ranks_of_that_call_and_not_of_their_averages(cadence: str) -> None:
    plan = make_plan(make_point("all_reduce", 1024, 2), QUIET)
    backend = SimulatedBackend(plan)
    group = backend.group((0, 1))
    assert isinstance(group, SimulatedGroup)
    visitor = Visitor(group, backend.clock, CADENCES[cadence], ProgressBoard(None, 0), RunQueueWait())
    samples = group.gather_samples(visitor.visit(LateInTurn(group), 6)[0])
    assert samples is not None
    assert samples.rank_time_ns.tolist() == [[10_000, 11_000] * 3, [11_000, 10_000] * 3]
    assert samples.time_ns.tolist() == [11_000] * 6
    assert samples.rank_time_ns.mean(axis=1).max() == 10_500  # what averaging first would have said


def test_lateness_adds_to_the_time_of_those_who_wait_and_to_nobody_elses() -> None:
    truth = Truth(alpha_us=5.0, beta_gb_s=10.0, noise_sigma=0.0, arrival_us=2.0)
    samples = samples_of(simulate(make_plan(make_point("broadcast", 8, 4), truth, iterations=200)))
    law_ns = 2 * 5_000 + 1
    assert (samples.rank_time_ns.min(axis=0) == law_ns).all()  # the last to arrive
    spread = samples.enter_ns.max(axis=0) - samples.enter_ns.min(axis=0)
    assert np.array_equal(samples.time_ns, law_ns + spread)
    assert (np.ptp(samples.exit_ns, axis=0) == 0).all()


@pytest.mark.parametrize(("wrong_every", "status"), [(0, Status.OK), (1, Status.WRONG), (2, Status.OK)])
def test_a_planted_wrong_result_is_told_with_its_place_and_still_timed(wrong_every: int, status: Status) -> None:
    result = simulate(make_plan(make_point("all_reduce", 8, 2), replace(QUIET, wrong_every=wrong_every)))
    assert result.status is status
    assert samples_of(result).time_ns.shape == (3,)
    if status is Status.WRONG:
        assert result.correctness == Correctness(1, rank=0, index=0, expected=1.0, got=0.0)
        assert result.error == "1 wrong elements before timing; the first on rank 0 at index 0: expected 1, got 0"
