"""Which rank sends slowly, which receives slowly, and which link between two sound ranks is slow: pure functions.

A slow sender is slow with every partner, and a sound one is fast with at least one: so the best rate over a rank's
partners is the rank's own. Few rounds suffice whatever the number of ranks. Source: design page fabrics.md, section 5.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Link = tuple[int, int]  # sender, receiver
Rates = Mapping[Link, float]  # GB/s

THRESHOLD = 0.8  # of the reference; below it a rate is slow
# Not the median: with one slow host of four in both directions half of all links are slow.
_REFERENCE_QUANTILE = 0.75
SENDER, RECEIVER = 0, 1


@dataclass(frozen=True, slots=True)
class SlowEnd:
    """A rank that is slow in one direction with everybody; `ratio` is its best rate over the reference."""

    rank: int
    ratio: float
    partners: tuple[int, ...]  # those it was tried with while nothing else was sent


@dataclass(frozen=True, slots=True)
class SlowPath:
    """A link that is slow although both of its ends are fast with others; `ratio` is its rate over the reference."""

    link: Link
    ratio: float


@dataclass(frozen=True, slots=True)
class Located:
    """Best rates in GB/s by link, first of all flows at once, then of one flow at a time, and what follows from them.

    The references are upper quartiles: of all links at once, and of sound links one at a time (None: none was tried).
    """

    together: Rates
    alone: Rates
    reference_gb_s: float
    alone_reference_gb_s: float | None
    slow_tx: tuple[SlowEnd, ...]
    slow_rx: tuple[SlowEnd, ...]
    slow_path: tuple[SlowPath, ...]

    @property
    def is_slow(self) -> bool:
        """Return whether anything is slow."""
        return bool(self.slow_tx or self.slow_rx or self.slow_path)

    def to_fields(self) -> dict[str, Any]:
        """Return the findings as plain lists and numbers, fit for JSON."""
        return {
            "together_gb_s": [[*link, rate] for link, rate in sorted(self.together.items())],
            "alone_gb_s": [[*link, rate] for link, rate in sorted(self.alone.items())],
            "reference_gb_s": self.reference_gb_s,
            "alone_reference_gb_s": self.alone_reference_gb_s,
            "slow_tx": [[end.rank, end.ratio, list(end.partners)] for end in self.slow_tx],
            "slow_rx": [[end.rank, end.ratio, list(end.partners)] for end in self.slow_rx],
            "slow_path": [[*path.link, path.ratio] for path in self.slow_path],
        }

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> "Located":
        """Return the findings that `to_fields` wrote."""
        return cls(
            together={(sender, receiver): rate for sender, receiver, rate in fields["together_gb_s"]},
            alone={(sender, receiver): rate for sender, receiver, rate in fields["alone_gb_s"]},
            reference_gb_s=fields["reference_gb_s"],
            alone_reference_gb_s=fields["alone_reference_gb_s"],
            slow_tx=tuple(SlowEnd(rank, ratio, tuple(partners)) for rank, ratio, partners in fields["slow_tx"]),
            slow_rx=tuple(SlowEnd(rank, ratio, tuple(partners)) for rank, ratio, partners in fields["slow_rx"]),
            slow_path=tuple(SlowPath((sender, receiver), ratio) for sender, receiver, ratio in fields["slow_path"]),
        )


def reference_gb_s(rates: Iterable[float]) -> float:
    """Return the upper quartile of some rates in GB/s; of two rates it is the larger one."""
    return float(np.quantile(list(rates), _REFERENCE_QUANTILE, method="higher"))


def best_by_end(ratios: Mapping[Link, float], end: int) -> dict[int, float]:
    """Return each rank's best ratio over its partners, as SENDER or as RECEIVER."""
    best: dict[int, float] = {}
    for link, ratio in ratios.items():
        best[link[end]] = max(ratio, best.get(link[end], 0.0))
    return best


def slow_ranks(ratios: Mapping[Link, float], end: int) -> dict[int, float]:
    """Return the ranks that reach the threshold with no partner, and their best ratios."""
    return {rank: best for rank, best in sorted(best_by_end(ratios, end).items()) if best < THRESHOLD}


def slow_links(ratios: Mapping[Link, float], slow_tx: Iterable[int] = (), slow_rx: Iterable[int] = ()) -> list[Link]:
    """Return the slow links that no slow end explains."""
    senders, receivers = set(slow_tx), set(slow_rx)
    return [
        link
        for link, ratio in sorted(ratios.items())
        if ratio < THRESHOLD and link[SENDER] not in senders and link[RECEIVER] not in receivers
    ]
