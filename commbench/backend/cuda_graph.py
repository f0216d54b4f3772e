"""A point whose call is recorded once in a CUDA graph and then replayed: the launch mode `graph`."""

import warnings
from typing import TYPE_CHECKING

import torch

from commbench.backend.base import BoundPoint

if TYPE_CHECKING:
    from commbench.collectives.base import Call
    from commbench.model.result import Correctness

# What other threads do must not spoil a recording: NCCL's watchdog asks about events all the time (pytorch#103503).
# nccl-tests records in the same mode (src/common.cu, cudaStreamCaptureModeThreadLocal).
_CAPTURE_MODE = "thread_local"
# One rank in place has nothing to do, so NCCL records nothing. On more ranks the check of the data would tell.
_EMPTY_GRAPH = "The CUDA Graph is empty"


class GraphPoint(BoundPoint):
    """A bound point with its call replaced by the replay of one recorded call; the buffers stay where they are.

    The first call is made by the host on a side stream, which connects the ranks, and is recorded right after that:
    recording runs nothing, so it too has the effect of exactly one call, and its time is that of connecting and
    recording. All ranks must make it together, as every other call.
    """

    def __init__(self, point: BoundPoint) -> None:
        self._point = point
        self._graph: torch.cuda.CUDAGraph | None = None
        self.call = self._first_call

    def prepare(self, salt: int) -> None:
        self._point.prepare(salt)

    def check(self, salt: int) -> "Correctness":
        return self._point.check(salt)

    def release(self) -> None:
        """Let go of what was recorded: NCCL waits for it for ever when its group is closed (pytorch#115388)."""
        if self._graph is not None:
            torch.cuda.synchronize()
            self._graph.reset()
            self._graph = None

    def _first_call(self) -> None:
        self._graph = _recorded(self._point.call)
        self.call = self._graph.replay


def _recorded(call: "Call") -> torch.cuda.CUDAGraph:
    """Make a call on a side stream, record another one there without running it, and return what was recorded."""
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call] # torch
    current = torch.cuda.current_stream()
    side.wait_stream(current)
    with torch.cuda.stream(side):
        call()
    current.wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=_EMPTY_GRAPH)
        with torch.cuda.graph(graph, stream=side, capture_error_mode=_CAPTURE_MODE):
            call()
    return graph
