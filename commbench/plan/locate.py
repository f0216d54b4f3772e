"""The plan of a search for slow links: one point, which says how large the flows are and over which fabric they go."""

from pathlib import Path

from commbench.errors import UsageError
from commbench.model.plan import Plan
from commbench.model.point import SIMULATED
from commbench.plan.expand import expand
from commbench.plan.load import LoadedSuite
from commbench.plan.machine import usable_gpu_count
from commbench.plan.suite import AUTO, Suite
from commbench.plan.support import choose_backend
from commbench.units import format_size

# Large enough that the time to start a transfer is a small part of it, at the speeds at which each is used.
_DEFAULT_SIZE_BYTES = {"gloo": 4 * 2**20, "nccl": 64 * 2**20}
_ROUND_LIMIT_S = 60.0  # gloo's default over 1 Mbit/s takes half of it


def locate_plan(
    loaded: LoadedSuite | None, world_size: int | None, nodes: int, fabric: str = "", size_bytes: int | None = None
) -> Plan:
    """Return the plan of a search over one fabric, of a suite or a known one; empty for what the backend takes itself.

    Of the suite its fabrics, its backend, its seed and whether ranks share a GPU count.

    Raises:
        UsageError: there are no two ranks to send between, or the backend, the fabric or the size cannot be used.
    """
    if world_size is None or world_size < 2:  # noqa: PLR2004 - a link has two ends
        raise UsageError("links are between hosts: name two or more with --hosts, or give --ranks 2 on this one")
    backend = loaded.suite.sweep.backend if loaded else AUTO
    if backend == SIMULATED:
        raise UsageError("there are no links between simulated ranks; take a suite with another backend")
    backend = choose_backend(backend, -(-world_size // nodes), usable_gpu_count())
    size_bytes = _DEFAULT_SIZE_BYTES[backend] if size_bytes is None else size_bytes
    suite = _suite(loaded, backend, world_size, size_bytes)
    own = LoadedSuite(suite, text="", path=loaded.path if loaded else Path(), hash="")
    plan = expand(own, world_size, nodes=nodes, fabrics=(fabric,) if fabric else ())
    (point,) = plan.points
    if point.skip_reason:
        raise UsageError(f"--size {format_size(size_bytes)}: {point.skip_reason}")
    return plan


def _suite(loaded: LoadedSuite | None, backend: str, world_size: int, size_bytes: int) -> Suite:
    sweep = {"collectives": ["send_recv"], "sizes": [size_bytes], "ranks": [world_size], "backend": backend}
    suite = Suite.model_validate(
        {
            "suite": {"name": "locate", "seed": loaded.suite.about.seed if loaded else 1},
            "sweep": sweep | ({"shared_gpu": True} if loaded and loaded.suite.sweep.shared_gpu else {}),
            # Interleaved: the limit is on each round of flows, not on all of them.
            "measure": {"schedule": "interleaved", "point_limit_s": _ROUND_LIMIT_S, "verify": False},
        }
    )
    return suite.model_copy(update={"fabrics": loaded.suite.fabrics}) if loaded else suite
