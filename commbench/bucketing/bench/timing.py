"""Clocks for calls: the device's own time, the host's apart from it, and replays of a CUDA graph."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import torch

from commbench.bucketing.bench.competitor import Call

_NS_PER_MS = 1_000_000
_CALIBRATION_CYCLES = 20_000_000  # some 10 ms on a GPU of 2 GHz: the ends cost nothing beside it
_CALIBRATIONS = 8
# How much longer than the host needs to enqueue a call the device is kept busy before it, so that it never waits.
_HEAD_START = 3.0
_LEAST_HEAD_START_NS = 20_000
_MOST_HEAD_START_NS = 50 * _NS_PER_MS
# A stream's queue takes about so many launches; then the host waits, and no head start helps (NVIDIA's forum, 68937).
_QUEUE_LAUNCHES = 1000


class Stopwatch(ABC):
    """Times calls one by one, in order."""

    has_host_time = True  # whether the host's time is another than the device's

    @abstractmethod
    def device_ns(self, calls: Sequence[Call], host_ns: int = 0) -> list[int]:
        """Return the time that the device works on each call; `host_ns` is about what a call keeps the host."""

    @abstractmethod
    def host_ns(self, calls: Sequence[Call]) -> list[int]:
        """Return the time that each call keeps the host, device idle before it."""

    @abstractmethod
    def graph_ns(self, calls: Sequence[Call], replays: int) -> list[int]:
        """Record all calls in one CUDA graph; return the mean time of a call in each replay, empty without graphs."""

    def waits_for_host(self, host_ns: float, launches: int | None) -> bool:
        """Return whether the device must wait for the host inside a call of which the host takes so long."""
        return False

    @abstractmethod
    def wait(self) -> None:
        """Wait for the device."""


class HostStopwatch(Stopwatch):
    """The clock of the host, for work that the host itself does."""

    has_host_time = False

    def __init__(self, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        self._clock = clock

    def device_ns(self, calls: Sequence[Call], host_ns: int = 0) -> list[int]:
        return [self._one(call) for call in calls]

    def host_ns(self, calls: Sequence[Call]) -> list[int]:
        return self.device_ns(calls)

    def graph_ns(self, calls: Sequence[Call], replays: int) -> list[int]:
        return []

    def wait(self) -> None:
        """There is nothing to wait for."""

    def _one(self, call: Call) -> int:
        begin = self._clock()
        call()
        return self._clock() - begin


class CudaStopwatch(Stopwatch):
    """CUDA events around each call, on torch's current stream, after a pause that lets the host run ahead.

    An event pair of its own costs a few microseconds, the same for every competitor; it is not subtracted. `empty_ns`
    is that time.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        # The first sleep loads its kernel and finds an idle clock, 345 instead of 1980 MHz on an H200: too few cycles a
        # nanosecond would make the pauses too short.
        self._cycles_per_ns = max(self._measured_cycles_per_ns() for _ in range(_CALIBRATIONS))
        self.empty_ns = sorted(self.device_ns([_nothing] * 9))[4]

    def _measured_cycles_per_ns(self) -> float:
        pair = self._pair()
        pair[0].record()
        torch.cuda._sleep(_CALIBRATION_CYCLES)  # type: ignore[no-untyped-call] # torch
        pair[1].record()
        self.wait()
        return _CALIBRATION_CYCLES / max(1, _elapsed_ns(pair))

    def device_ns(self, calls: Sequence[Call], host_ns: int = 0) -> list[int]:
        ahead_ns = min(max(_HEAD_START * host_ns, _LEAST_HEAD_START_NS), _MOST_HEAD_START_NS)
        pairs = []
        for call in calls:
            pair = self._pair()
            torch.cuda._sleep(int(ahead_ns * self._cycles_per_ns))  # type: ignore[no-untyped-call] # torch
            pair[0].record()
            call()
            pair[1].record()
            pairs.append(pair)
        self.wait()
        return [_elapsed_ns(pair) for pair in pairs]

    def waits_for_host(self, host_ns: float, launches: int | None) -> bool:
        return _HEAD_START * host_ns > _MOST_HEAD_START_NS or (launches or 0) > _QUEUE_LAUNCHES

    def host_ns(self, calls: Sequence[Call]) -> list[int]:
        times = []
        for call in calls:
            self.wait()
            begin = time.perf_counter_ns()
            call()
            times.append(time.perf_counter_ns() - begin)
        self.wait()
        return times

    def graph_ns(self, calls: Sequence[Call], replays: int) -> list[int]:
        self.wait()
        graph, before = torch.cuda.CUDAGraph(), torch.cuda.current_stream(self._device)
        try:
            with torch.cuda.graph(graph):
                for call in calls:
                    call()
        finally:
            torch.cuda.set_stream(before)  # torch leaves us on the recording's stream when that cannot be ended
        (host_ns,) = self.host_ns([graph.replay])  # and every set has been used since the recording
        return [each // len(calls) for each in self.device_ns([graph.replay] * replays, host_ns)]

    def wait(self) -> None:
        torch.cuda.synchronize(self._device)

    @staticmethod
    def _pair() -> tuple[torch.cuda.Event, torch.cuda.Event]:
        first, last = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call] # torch
        return first, last


def open_stopwatch(device: torch.device) -> Stopwatch:
    """Return the clock for a device."""
    return CudaStopwatch(device) if device.type == "cuda" else HostStopwatch()


def _elapsed_ns(pair: tuple[torch.cuda.Event, torch.cuda.Event]) -> int:
    elapsed_ms: float = pair[0].elapsed_time(pair[1])
    return round(elapsed_ms * _NS_PER_MS)


def _nothing() -> None:
    """Do nothing."""
