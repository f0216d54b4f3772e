"""What CuPy is asked to do, without CuPy or a GPU: the right stream, the right arguments, nothing loaded late."""

import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from commbench.bucketing import cupy_launcher
from commbench.bucketing.build import KERNELS, THREADS

DEVICE = torch.device("cuda", 0)


class FakeCupy(SimpleNamespace):
    """Keeps what was launched: kernel, grid, block, arguments, stream."""

    def __init__(self) -> None:
        self.launched: list[tuple[Any, ...]] = []
        self.loaded: list[str] = []
        stream = SimpleNamespace(from_external=lambda stream: f"of {stream}")
        super().__init__(cuda=SimpleNamespace(Stream=stream, runtime=SimpleNamespace(driverGetVersion=lambda: 13000)))

    def RawModule(self, path: str) -> SimpleNamespace:
        return SimpleNamespace(get_function=self._function)

    def _function(self, name: str) -> Any:
        self.loaded.append(name)
        return lambda grid, block, arguments, stream: self.launched.append((name, grid, block, arguments, stream))


@pytest.fixture
def cupy(monkeypatch: pytest.MonkeyPatch) -> FakeCupy:
    fake = FakeCupy()
    monkeypatch.setitem(sys.modules, "cupy", fake)
    monkeypatch.setattr(cupy_launcher, "Nvrtc", lambda: SimpleNamespace(version=(13, 0)))
    monkeypatch.setattr(cupy_launcher, "cubin_path", lambda compiler, arch, build, cache: Path(f"{arch}.cubin"))
    facts = SimpleNamespace(multi_processor_count=132, major=9, minor=0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: facts)
    monkeypatch.setattr(torch.cuda, "device", lambda device: nullcontext())
    return fake


def test_each_launch_asks_torch_for_its_current_stream(cupy: FakeCupy, monkeypatch: pytest.MonkeyPatch) -> None:
    launcher = cupy_launcher.CupyLauncher(DEVICE)
    for current in ("stream 1", "stream 2"):
        monkeypatch.setattr(torch.cuda, "current_stream", lambda device, current=current: current)
        launcher.launch("reduce_e4m3", 7, (np.uint64(1), np.uint32(2)))
    assert cupy.launched == [
        ("reduce_e4m3", (7,), (THREADS,), (1, 2), "of stream 1"),
        ("reduce_e4m3", (7,), (THREADS,), (1, 2), "of stream 2"),
    ]


def test_all_kernels_are_loaded_before_the_first_launch(cupy: FakeCupy) -> None:
    cupy_launcher.CupyLauncher(DEVICE)
    assert set(cupy.loaded) == set(KERNELS)
