"""A stand-in for torch.cuda: one queue that runs when it is waited for, events that know when they were reached."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch


@dataclass(eq=False)
class FakeStream:
    cuda: "FakeCuda"
    name: str = "side"

    def wait_stream(self, other: "FakeStream") -> None:
        self.cuda.diary.append(f"{self.name} waits for {other.name}")


@dataclass(eq=False)
class FakeGraph:
    cuda: "FakeCuda"
    recorded: list[str] = field(default_factory=list)

    def reset(self) -> None:
        self.cuda.diary.append("reset")

    def replay(self) -> None:
        self.cuda.diary.append(f"replay on {self.cuda.stream.name}: {', '.join(self.recorded)}")


@dataclass(eq=False)
class FakeEvent:
    cuda: "FakeCuda"
    reached_us: float | None = None

    def record(self, stream: FakeStream) -> None:
        assert stream is self.cuda.stream
        self.cuda.recorded += 1
        self.reached_us = None
        self.cuda.queue.append(self)

    def elapsed_time(self, other: "FakeEvent") -> float:
        """Return milliseconds as the driver does: in float32."""
        assert self.reached_us is not None, "read before the device got there"
        assert other.reached_us is not None, "read before the device got there"
        return float(np.float32((other.reached_us - self.reached_us) / 1000))


class FakeCuda:
    """Work is queued as a number of microseconds; nothing runs before `synchronize`."""

    def __init__(self) -> None:
        self.diary: list[str] = []
        self.queue: list[FakeEvent | float] = []
        self.now_us = 0.0
        self.made = self.recorded = 0
        self.stream = FakeStream(self, "main")
        self._capturing: FakeGraph | None = None

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        fakes: dict[str, Callable[..., object]] = {
            "Event": self._event,
            "Stream": lambda: FakeStream(self),
            "CUDAGraph": lambda: FakeGraph(self),
            "current_stream": lambda: self.stream,
            "synchronize": self.synchronize,
            "stream": self._on,
            "graph": self._capture,
        }
        for name, fake in fakes.items():
            monkeypatch.setattr(torch.cuda, name, fake)

    def work(self, duration_us: float) -> None:
        """Enqueue work, or record it where a graph is being recorded."""
        if self._capturing is not None:
            self._capturing.recorded.append(f"work {duration_us:g}")
            return
        self.diary.append(f"work {duration_us:g} on {self.stream.name}")
        self.queue.append(duration_us)

    def synchronize(self) -> None:
        for each in self.queue:
            if isinstance(each, FakeEvent):
                each.reached_us = self.now_us
            else:
                self.now_us += each
        self.queue.clear()

    def _event(self, *, enable_timing: bool) -> FakeEvent:
        assert enable_timing
        self.made += 1
        return FakeEvent(self)

    @contextmanager
    def _on(self, stream: FakeStream) -> Iterator[None]:
        before, self.stream = self.stream, stream
        yield
        self.stream = before

    @contextmanager
    def _capture(self, graph: FakeGraph, *, stream: FakeStream, capture_error_mode: str) -> Iterator[None]:
        assert capture_error_mode == "thread_local"
        with self._on(stream):
            self._capturing = graph
            yield
            self._capturing = None
        if not graph.recorded:  # as torch's CUDAGraph.cpp does
            warnings.warn("The CUDA Graph is empty. This usually means that the graph was ...", stacklevel=1)
