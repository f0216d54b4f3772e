"""A real GPU, or a skip that says so. Design: shared/design/measurement.md, 2.2 (GPU) and 5.D, pitfalls P12 to P14."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from .device import Suites, use_gpu

REASON = "needs a CUDA GPU; run by `make gpu`"


@pytest.fixture(scope="session", autouse=True)
def gpu() -> None:
    """Skip without a GPU; with one, keep it busy until its clock has risen."""
    import torch

    if not torch.cuda.is_available():
        pytest.skip(REASON)
    use_gpu(seconds=1.0)


@pytest.fixture
def suites(tmp_path: Path) -> Suites:
    """Return a maker of small NCCL suites with a store of their own."""
    return Suites(tmp_path)


@pytest.fixture
def no_launcher() -> Iterator[None]:
    """Leave no trace in the environment of the launch that a test makes of this process."""
    before = dict(os.environ)
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")  # as launch/commands.py does for ranks on one host
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
