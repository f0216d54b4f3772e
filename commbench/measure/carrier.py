"""Take the fabric that a launch is for: the settings on this rank, and what its host's links are called."""

import os
import socket

from commbench.errors import CommbenchError, UnfitError
from commbench.fabric.discover import discover
from commbench.fabric.select import Selection, select
from commbench.measure.proof import fabric_of
from commbench.measure.traffic import HostCount, TrafficGauge
from commbench.model.plan import FabricChoice, Plan


def take_fabric(plan: Plan, name: str, *, counts: bool) -> TrafficGauge:
    """Set this rank's environment for a fabric of the plan, before the backend reads it, and return a gauge for it.

    Every rank chooses by what its own host has: devices have other names on other hosts. `counts` is whether this
    rank reads the counters of its host. Nothing is set for a fabric that nobody chose.

    Raises:
        UnfitError: this host does not have the fabric; the message names the host.
    """
    choice = plan.fabric(name)
    if choice is None:
        return TrafficGauge()
    selection = _select(choice, plan.backend)
    os.environ.update(selection.variables)
    rate = choice.link_rate_gbit_s or selection.link_rate_gbit_s
    return TrafficGauge(
        HostCount(socket.gethostname(), selection.links, rate, dict(selection.variables)) if counts else None
    )


def _select(choice: FabricChoice, backend: str) -> Selection:
    try:
        return select(fabric_of(choice), discover(), backend)
    except CommbenchError as error:
        raise UnfitError(f"host {socket.gethostname()}: {error}") from error
