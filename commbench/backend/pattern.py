"""Test data that depends on the rank and on the position, and the check that it arrived where it must.

Every rank's send buffer is one table of pseudo-random integers, repeated, each rank starting elsewhere in it.
The table's length is prime, so no chunk size in use is a multiple of it: a chunk that is misplaced, dropped or
doubled meets other numbers. The integers are small enough that sums over all ranks are exact in the element type.
"""

import random
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch

from commbench.collectives.base import Piece
from commbench.model.dtype import Dtype
from commbench.model.result import Correctness

PERIOD = 65_537  # prime, and a few hundred KiB: it stays in cache
_LARGEST = 2**15  # integers need not be larger to tell positions apart
_SEED = 20_261_121
_REDUCTIONS: dict[str, Callable[[torch.Tensor, torch.Tensor], torch.Tensor]] = {
    "sum": torch.add,
    "min": torch.minimum,
    "max": torch.maximum,
}


class Pattern:
    """The data law of one element type, reduction and rank count.

    `tolerance` is how far an element may be from its law, as a share of it: 0 where sums are exact.
    """

    def __init__(self, dtype: Dtype, redop: str, world_size: int, tolerance: float = 0.0) -> None:
        self._tolerance = tolerance
        self._reduce = _REDUCTIONS.get(redop)
        terms = world_size if redop == "sum" else 1
        self._table = _table(dtype.exact_limit, terms)

    def fill(self, send: Any, rank: int, salt: int) -> None:
        """Write what this rank sends into its send buffer (elements,)."""
        period = self._roll(rank, 0, salt, len(send)).to(send)
        for part, rows in _parts(send):
            part.copy_(period[: part.shape[-1]].expand(rows, -1) if rows else period[: len(part)])

    def check(self, recv: Any, pieces: Sequence[Piece], rank: int, salt: int) -> Correctness:
        """Compare a receive buffer (elements,) with its law and return this rank's verdict."""
        wrong_count, first = 0, None
        for piece in pieces:
            expected = self._expected(piece, salt).to(recv)
            offset = piece.start
            for part, rows in _parts(recv[piece.start : piece.start + piece.count]):
                wrong = self._differs(part, expected[: part.shape[-1]])
                count = int(wrong.sum())
                if count and first is None:
                    at = int(wrong.flatten().nonzero()[0])
                    first = (offset + at, float(expected[at % PERIOD]), float(part.flatten()[at]))
                wrong_count += count
                offset += part.numel() if rows else 0
        if first is None:
            return Correctness()
        return Correctness(wrong_count, rank, *first)

    def _differs(self, got: torch.Tensor, expected: torch.Tensor) -> torch.Tensor:
        if not self._tolerance:
            return got != expected
        return ~((got - expected).abs() <= expected.abs() * self._tolerance)  # so that NaN differs

    def _expected(self, piece: Piece, salt: int) -> torch.Tensor:
        source, start = piece.sources[0]
        total = self._roll(source, start, salt, piece.count)
        for source, start in piece.sources[1:]:
            assert self._reduce is not None, "only reducing collectives have several sources"  # noqa: S101
            total = self._reduce(total, self._roll(source, start, salt, piece.count))
        return total

    def _roll(self, rank: int, start: int, salt: int, count: int) -> torch.Tensor:
        """Return the table as it reads from one place in one rank's send buffer, at most `count` long."""
        phase = (_origin(rank, salt) + start) % PERIOD
        head = self._table[phase : phase + count]
        rest = self._table[: min(count, PERIOD) - len(head)]
        return torch.cat([head, rest]) if len(rest) else head


@cache
def _origin(rank: int, salt: int) -> int:
    """Return where in the table a rank starts: scattered, so that no multiple of a chunk leads to another rank's."""
    return random.Random(f"{_SEED}/{rank}/{salt}").randrange(PERIOD)  # noqa: S311 - test data, not a secret


def _parts(buffer: Any) -> list[tuple[Any, int]]:
    """Return the buffer as whole periods (rows, PERIOD) and a remainder (elements,), with the number of rows."""
    whole = len(buffer) // PERIOD
    parts = [(buffer[: whole * PERIOD].view(whole, PERIOD), whole)] if whole else []
    if len(buffer) % PERIOD:
        parts.append((buffer[whole * PERIOD :], 0))
    return parts


@cache  # drawing the numbers takes tens of milliseconds, and every point of a plan asks for them
def _table(exact_limit: int, terms: int) -> torch.Tensor:
    return torch.tensor(_integers(exact_limit, terms), dtype=torch.int64)


def _integers(exact_limit: int, terms: int) -> list[int]:
    """Return PERIOD pseudo-random integers of which any `terms` add up exactly.

    Where even 0 and 1 could add up to too much, ones are made rare: the expected sum stays at a quarter of the
    limit, and more than four times that does not happen in PERIOD draws.
    """
    generator = random.Random(_SEED)  # noqa: S311 - test data, not a secret
    top = min(_LARGEST, exact_limit // terms)
    if top >= 1:
        return [generator.randint(0, top) for _ in range(PERIOD)]
    share = exact_limit / 4 / terms
    return [int(generator.random() < share) for _ in range(PERIOD)]
