"""Backends: open a process group, bind a point to buffers, call, check. Only this package knows torch."""

from commbench.backend.base import Backend, BoundPoint, Clock, Group, Stamp
from commbench.backend.meeting import Meeting, StoreMeeting
from commbench.model.plan import Plan


def open_backend(plan: Plan, meeting: StoreMeeting) -> Backend:
    """Return the plan's real backend, opened by this process as one of its ranks."""
    from commbench.backend.torch_backend import TorchBackend

    return TorchBackend(plan, meeting)


__all__ = ["Backend", "BoundPoint", "Clock", "Group", "Meeting", "Stamp", "StoreMeeting", "open_backend"]
