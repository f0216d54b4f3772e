"""What each backend can carry, and the choice of one where the suite leaves it open."""

from collections.abc import Iterable
from dataclasses import dataclass

from commbench.collectives import COLLECTIVES
from commbench.errors import UsageError
from commbench.model.dtype import ALL_DTYPES, REDOPS
from commbench.model.point import GRAPH_LAUNCH, HOST_LAUNCH, SIMULATED
from commbench.plan.suite import AUTO


@dataclass(frozen=True, slots=True)
class Support:
    """What one backend can carry, by name."""

    collectives: frozenset[str] = frozenset(COLLECTIVES)
    dtypes: frozenset[str] = frozenset(ALL_DTYPES)
    redops: frozenset[str] = frozenset(REDOPS)
    launch: frozenset[str] = frozenset({HOST_LAUNCH})


# gloo: every collective, dtype and redop was run on 2 ranks with torch 2.13 and its results compared.
# nccl: ncclDataType_t and ncclRedOp_t of NCCL 2.2x have all of them. Narrow a row when a backend loses something.
# Only device work can be captured: NCCL supports CUDA graphs since 2.9 (NVIDIA, "Using NCCL with CUDA Graphs").
SUPPORT = {
    "gloo": Support(),
    "nccl": Support(launch=frozenset({HOST_LAUNCH, GRAPH_LAUNCH})),
    SIMULATED: Support(),
}


def choose_backend(asked: str, ranks: int, gpu_count: int) -> str:
    """Return the backend itself, or for `auto` nccl where every rank can have a GPU of its own, else gloo."""
    if asked != AUTO:
        return asked
    return "nccl" if gpu_count >= ranks else "gloo"


def check(
    backend: str,
    collectives: Iterable[str],
    dtypes: Iterable[str],
    redops: Iterable[str],
    launch: Iterable[str] = (HOST_LAUNCH,),
) -> None:
    """Check that the backend can carry all of it.

    Raises:
        UsageError: it cannot; the message lists everything that it lacks, one a line.
    """
    has = SUPPORT[backend]
    wanted = {
        "collectives": (collectives, has.collectives),
        "dtypes": (dtypes, has.dtypes),
        "redops": (redops, has.redops),
        "launch": (launch, has.launch),
    }
    lacks = [
        f"{backend} has no {name}; {_alternatives(backend, key, name)}remove it from sweep.{key} "
        f"({backend} has {', '.join(sorted(available))})"
        for key, (names, available) in wanted.items()
        for name in names
        if name not in available
    ]
    if lacks:
        raise UsageError("\n".join(lacks))


def _alternatives(backend: str, key: str, name: str) -> str:
    others = [
        other for other, row in SUPPORT.items() if other not in {backend, SIMULATED} and name in getattr(row, key)
    ]
    return f"use backend = {' or '.join(map(repr, others))}, or " if others else ""
