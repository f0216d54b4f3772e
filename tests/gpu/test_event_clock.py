"""Is a device time the device's? Design 5.D items 25 and 27, pitfalls P12, P13 and P14, on a call of known length."""

import numpy as np
import pytest

from .device import OneGpu, PreQueued, SleepPoint, cycles_of, host_time_us, times_us, visitor

pytestmark = pytest.mark.gpu

WITHIN = 0.01  # design 5.D
DELAYS_US = (0.0, 50.0, 500.0)
CALLS = 20


def test_25_event_times_are_linear_in_the_length_of_the_call() -> None:
    cycles = np.linspace(cycles_of(50), cycles_of(2000), 12).astype(int)
    rank = visitor(OneGpu())
    times = np.array([np.median(times_us(SleepPoint(int(each)), CALLS, rank)) for each in cycles])
    correlation = np.corrcoef(cycles, times)[0, 1]
    assert correlation**2 > 0.999


def test_p13_it_is_the_execution_that_is_timed_not_the_launch() -> None:
    cycles = cycles_of(50_000)  # so long that launching and waiting, some 20 us, are nothing beside it
    device_us = np.median(times_us(SleepPoint(cycles), CALLS, visitor(OneGpu())))
    host_us = np.median([host_time_us(cycles) for _ in range(CALLS)])
    assert device_us == pytest.approx(host_us, rel=WITHIN)


def test_27_p14_a_slow_host_does_not_change_the_time_of_calls_that_are_queued_beforehand() -> None:
    cycles, ahead = cycles_of(1000), PreQueued(cycles_of(100_000))
    medians = [np.median(times_us(SleepPoint(cycles, delay), CALLS, visitor(OneGpu(), ahead))) for delay in DELAYS_US]
    assert medians == pytest.approx([medians[0]] * len(DELAYS_US), rel=WITHIN)


def test_27_p14_calls_launched_one_by_one_carry_the_host_in_their_time() -> None:
    """Which is why the launch mode is a variable of its own: launched by the host, a slow host is in the number."""
    cycles, rank = cycles_of(1000), visitor(OneGpu())
    quick, slow = (np.median(times_us(SleepPoint(cycles, delay), CALLS, rank)) for delay in (0.0, 500.0))
    assert slow - quick == pytest.approx(500, abs=50)


def test_p12_a_host_that_dawdles_between_calls_changes_nothing() -> None:
    cycles = cycles_of(2000)
    prompt, late = (np.median(times_us(SleepPoint(cycles), CALLS, visitor(OneGpu(us)))) for us in (0.0, 1000.0))
    assert late == pytest.approx(prompt, rel=WITHIN)


def test_an_empty_interval_is_a_few_microseconds_at_most() -> None:
    point = SleepPoint(0)
    point.call = lambda: None
    assert np.median(times_us(point, 200, visitor(OneGpu()))) < 20
