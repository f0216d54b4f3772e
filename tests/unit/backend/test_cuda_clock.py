"""The arithmetic of the event clock, on a fake device; `tests/gpu` has the same questions for a real one."""

import pytest

from commbench.backend.cuda_clock import CudaEventClock

from .fake_cuda import FakeCuda

SPARE_CALLS = 1000


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> FakeCuda:
    fake = FakeCuda()
    fake.install(monkeypatch)
    return fake


def test_stamps_are_nanoseconds_on_the_device_from_the_first_one(cuda: FakeCuda) -> None:
    clock = CudaEventClock()
    stamps = []
    for duration_us in (10.0, 2.5, 1000.0):
        stamps.append(clock.stamp())
        cuda.work(duration_us)
        stamps.append(clock.stamp())
        cuda.work(7.0)  # between two calls
    assert clock.resolve(stamps).tolist() == [0, 10_000, 17_000, 19_500, 26_500, 1_026_500]


def test_a_call_far_from_the_first_is_as_exact_as_the_first(cuda: FakeCuda) -> None:
    clock = CudaEventClock()
    stamps = [clock.stamp()]
    cuda.work(3600e6)  # an hour: float32 milliseconds have steps of a quarter of a millisecond out there
    stamps.append(clock.stamp())
    cuda.work(12.0)
    stamps.append(clock.stamp())
    hour, after = clock.resolve(stamps)[1:]
    assert hour == pytest.approx(3600e9, rel=1e-6)
    assert after - hour == 12_000


def test_events_are_made_and_first_recorded_before_the_visit_and_used_again(cuda: FakeCuda) -> None:
    clock = CudaEventClock(visit_calls=3000)
    made = cuda.made
    assert made == cuda.recorded == 2 * 3000 + 1
    for _ in range(3):
        clock.resolve([clock.stamp()] * 2 + [clock.stamp() for _ in range(2 * 3000)])
    assert cuda.made == made


def test_a_visit_longer_than_foreseen_makes_its_events_once(cuda: FakeCuda) -> None:
    clock = CudaEventClock()
    calls = SPARE_CALLS + 10
    for _ in range(2):
        assert len(clock.resolve([clock.stamp() for _ in range(2 * calls)])) == 2 * calls
        assert cuda.made == 2 * calls


def test_no_stamps_are_no_times(cuda: FakeCuda) -> None:
    assert CudaEventClock().resolve([]).tolist() == []


def test_no_event_is_read_before_the_device_is_idle(cuda: FakeCuda) -> None:
    clock = CudaEventClock()
    stamps = [clock.stamp(), clock.stamp()]
    assert stamps[0].reached_us is None
    assert clock.resolve(stamps).tolist() == [0, 0]
    assert stamps[0].reached_us is not None
