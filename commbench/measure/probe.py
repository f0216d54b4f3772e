"""A launch that times nothing: every point's call is made once with NCCL's debug log on, and the log is kept.

It is a launch of its own with the same settings otherwise, because writing the log costs time, and NCCL reads
NCCL_DEBUG once. Source of the settings: design page nccl.md, section 3.3.
"""

import os
import tempfile
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from commbench.backend import Backend
from commbench.model.placement import ranks_of
from commbench.model.plan import Plan
from commbench.model.point import HOST_LAUNCH, Point

_SETTINGS = {"NCCL_DEBUG": "INFO", "NCCL_DEBUG_SUBSYS": "INIT,ENV,NET,GRAPH,TUNING"}
_FILE = "NCCL_DEBUG_FILE"
_MAX_BYTES = 4 * 2**20  # of one rank's log; a healthy one has some 100 KiB
_OURS = b"NCCL"  # what a line must hold to be of interest
_SALT = 5


@contextmanager
def listening(environ: MutableMapping[str, str] = os.environ) -> Iterator[Path]:
    """Have NCCL write this rank's log into a file of its own, which is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="commbench-probe-") as folder:
        path = Path(folder) / "nccl.log"
        environ.update(_SETTINGS | {_FILE: str(path)})
        yield path


def probe(plan: Plan, backend: Backend, point_ids: Sequence[int], log: Path) -> str:
    """Make one call of every point and return what all ranks' NCCL said, on rank 0."""
    for point in _different(plan, point_ids):
        group = backend.group(ranks_of(plan, point))
        if group is None:
            continue
        bound = group.bind(point)
        bound.prepare(_SALT)
        bound.call()
        group.barrier()
    return "\n".join(backend.gather_texts(_said(log)))


def _different(plan: Plan, point_ids: Sequence[int]) -> list[Point]:
    """Return one point for each call that NCCL can tell apart."""
    found: dict[tuple[object, ...], Point] = {}
    for point_id in point_ids:
        point = plan.points[point_id]
        key = (point.collective, point.size_bytes, point.dtype, point.redop, point.in_place, ranks_of(plan, point))
        if not point.skip_reason and point.launch == HOST_LAUNCH:
            found.setdefault(key, point)
    return list(found.values())


def _said(path: Path) -> str:
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_BYTES)
    except OSError:
        return ""  # another backend than NCCL writes none
    return b"\n".join(line for line in text.splitlines() if _OURS in line).decode(errors="replace")
