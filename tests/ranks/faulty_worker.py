"""A rank whose network misplaces, drops or doubles data: `python faulty_worker.py FAULT JOURNAL_FOLDER`.

The fault is in a wrapper round torch's call, so everything above it is the program that users run.
"""

import sys
from collections.abc import Callable
from typing import Any

from commbench.collectives.all_gather import AllGather
from commbench.collectives.base import Buffers, Call, Geometry, Library
from commbench.measure import worker

Fault = Callable[[Any, int], None]


def _swap(recv: Any, count: int) -> None:
    first = recv[:count].clone()
    recv[:count] = recv[count : 2 * count]
    recv[count : 2 * count] = first


def _drop(recv: Any, count: int) -> None:
    recv[count : 2 * count] = float("nan")


def _double(recv: Any, count: int) -> None:
    recv[count : 2 * count] = recv[:count]


def _flip(recv: Any, count: int) -> None:
    recv[count + 17] += 1


FAULTS: dict[str, Fault] = {"swap": _swap, "drop": _drop, "double": _double, "flip": _flip}


def plant(name: str) -> None:
    """Make every all_gather deliver wrong data on rank 1."""
    right = AllGather.bind

    def bind(self: AllGather, library: Library, buffers: Buffers, geometry: Geometry, rank: int) -> Call:
        call = right(self, library, buffers, geometry, rank)

        def faulty() -> None:
            call()
            if rank == 1:
                FAULTS[name](buffers.recv, geometry.count)

        return faulty

    AllGather.bind = bind  # type: ignore[method-assign]


if __name__ == "__main__":
    plant(sys.argv[1])
    sys.exit(worker.main(sys.argv[2:]))
