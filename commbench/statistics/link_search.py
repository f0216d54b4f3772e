"""Search for slow links: flows between all at once, then the suspects one at a time against sound partners.

The search decides what to measure and never measures: it is given a function that does. So it is the same for real
ranks and for a simulation whose truth is known.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from commbench.statistics.slow_links import (
    RECEIVER,
    SENDER,
    THRESHOLD,
    Link,
    Located,
    Rates,
    SlowEnd,
    SlowPath,
    reference_gb_s,
    slow_links,
    slow_ranks,
)

Round = tuple[Link, ...]  # links that are used at once: each rank sends to one and receives from one at most
# Make all rounds one after another, so many times, and return the best rate of each link in GB/s. The best, not the
# median: it is what the link can do, not what the operating system did to us. Passes over all rounds are further apart
# in time than repetitions of one: a stall cannot spoil all of them.
Measure = Callable[[Sequence[Round], int], Rates]

PASSES = 4  # three that count, after one that opens connections
FULL_MATRIX_NODES = 16  # up to so many nodes every pair is tried, in as many rounds less one
# Of more nodes each sends to so many others. Simulated in design fabrics.md, section 5: two rounds falsely accuse a
# rank every other run when a fifth of all flows is disturbed, three one in twenty.
_ROUNDS = 3
_PARTNERS = 3  # sound ones, for each suspect
_CONTROLS = 8  # sound links that are tried in between, with ends of their own
_CHECKS = 2  # a suspect that is slow again is tried once more, later


@dataclass(frozen=True, slots=True)
class Rails:
    """The ranks of a launch, so many on each node; flows go between ranks that have the same number on their nodes."""

    nodes: int
    per_node: int = 1

    def others(self, rank: int) -> list[int]:
        """Return the ranks that a rank can be tried with."""
        node, rail = divmod(rank, self.per_node)
        return [other * self.per_node + rail for other in range(self.nodes) if other != node]

    def rounds(self, rng: np.random.Generator) -> list[Round]:
        """Return permutations in which every rank sends to another one and receives from another one."""
        if self.nodes <= FULL_MATRIX_NODES:
            order, shifts = np.arange(self.nodes), np.arange(1, self.nodes)
        else:
            order, shifts = rng.permutation(self.nodes), rng.choice(np.arange(1, self.nodes), _ROUNDS, replace=False)
        return [self._round(order, np.roll(order, -shift)) for shift in shifts]

    def _round(self, senders: np.ndarray, receivers: np.ndarray) -> Round:
        return tuple(
            (int(sender) * self.per_node + rail, int(receiver) * self.per_node + rail)
            for sender, receiver in zip(senders, receivers, strict=True)
            for rail in range(self.per_node)
        )


def search(measure: Measure, rails: Rails, seed: int = 0) -> Located:
    """Find the slow ends and the slow paths; `seed` draws the partners."""
    found = _Search(measure, rails, np.random.default_rng(seed))
    found.try_all_at_once()
    for _ in range(_CHECKS):
        found.check_ends()
        found.check_links()
    tx, rx = found.slow_ends(SENDER), found.slow_ends(RECEIVER)
    return Located(
        together=found.together,
        alone=found.alone,
        reference_gb_s=found.reference_gb_s,
        alone_reference_gb_s=found.alone_reference_gb_s if found.alone else None,
        slow_tx=tx,
        slow_rx=rx,
        slow_path=found.slow_paths(tx, rx),
    )


@dataclass(slots=True)
class _Search:
    """What has been measured so far: best rates of all at once, and of one flow at a time."""

    measure: Measure
    rails: Rails
    rng: np.random.Generator
    together: dict[Link, float] = field(default_factory=dict)
    alone: dict[Link, float] = field(default_factory=dict)
    controls: list[Link] = field(default_factory=list)

    def try_all_at_once(self) -> None:
        """Let every rank send and receive at once, each with a few partners one after another."""
        self.together = dict(self.measure(self.rails.rounds(self.rng), PASSES))
        self.controls = self._choose_controls()

    @property
    def reference_gb_s(self) -> float:
        return reference_gb_s(self.together.values())

    @property
    def alone_reference_gb_s(self) -> float:
        """Return what the typical sound link reaches under the conditions of the suspects' second try.

        Of two it is the slower one: who is called slow must be slower than what is known to be sound. A rate that is
        itself slow beside all at once is no measure of what is possible alone.
        """
        rates = sorted(self.alone[link] for link in self.controls if link in self.alone)
        typical = rates[(len(rates) - 1) // 2] if rates else self.reference_gb_s
        return max(typical, THRESHOLD * self.reference_gb_s)

    def ratios(self) -> dict[Link, float]:
        """Return the best of a link's rates, each over the reference of its own conditions."""
        at_once, one_by_one = self.reference_gb_s, self.alone_reference_gb_s
        best = {link: rate / at_once for link, rate in self.together.items()}
        for link, rate in self.alone.items():
            best[link] = max(best.get(link, 0.0), rate / one_by_one)
        return best

    def check_ends(self) -> None:
        """Try suspect senders and receivers with sound partners, alone: another's fault or load must not be theirs."""
        ratios = self.ratios()
        tx, rx = slow_ranks(ratios, SENDER), slow_ranks(ratios, RECEIVER)
        senders = self._partners(tx, self._all_but(rx))
        receivers = [(other, rank) for rank, other in self._partners(rx, self._all_but(tx))]
        self._try_alone([*senders, *receivers])

    def check_links(self) -> None:
        """Try the links that no slow end explains, alone."""
        ends = ([each.rank for each in self.slow_ends(end)] for end in (SENDER, RECEIVER))
        self._try_alone(slow_links(self.ratios(), *ends))

    def slow_ends(self, end: int) -> tuple[SlowEnd, ...]:
        """Return the ranks that are slow with everybody, also alone with partners that are sound.

        A suspect without such a partner, as both are of two hosts, is no proven end: its links are judged as links.
        """
        ratios = self.ratios()
        unsound = slow_ranks(ratios, 1 - end)
        proof: dict[int, list[int]] = {rank: [] for rank in slow_ranks(ratios, end)}
        for link in sorted(self.alone):
            if link[end] in proof and link[1 - end] not in unsound:
                proof[link[end]].append(link[1 - end])
        best = slow_ranks(ratios, end)
        return tuple(SlowEnd(rank, best[rank], tuple(partners)) for rank, partners in proof.items() if partners)

    def slow_paths(self, tx: Iterable[SlowEnd], rx: Iterable[SlowEnd]) -> tuple[SlowPath, ...]:
        """Return the links that are slow alone, too, and that no slow end explains."""
        ratios = self.ratios()
        unexplained = slow_links(ratios, (end.rank for end in tx), (end.rank for end in rx))
        return tuple(SlowPath(link, ratios[link]) for link in unexplained if link in self.alone)

    def _all_but(self, suspects: Iterable[int]) -> set[int]:
        return set(range(self.rails.nodes * self.rails.per_node)) - set(suspects)

    def _partners(self, suspects: Iterable[int], sound: set[int]) -> list[Link]:
        """Return (suspect, partner) pairs; partners are drawn, and none is used again before all were used once."""
        used = dict.fromkeys(self.rng.permutation(sorted(sound)).tolist(), 0)
        pairs = []
        for rank in suspects:
            others = set(self.rails.others(rank))
            free = sorted((other for other in used if other in others), key=used.__getitem__)
            for other in free[:_PARTNERS]:
                used[other] += 1
                pairs.append((rank, other))
        return pairs

    def _try_alone(self, links: Iterable[Link]) -> None:
        """Measure links one at a time, with sound ones in between as the measure of what is possible alone."""
        wanted = list(dict.fromkeys(links))
        if not wanted:
            return
        rounds = [(link,) for link in dict.fromkeys([*wanted, *self.controls])]
        for link, rate in self.measure(rounds, PASSES).items():
            self.alone[link] = max(rate, self.alone.get(link, 0.0))

    def _choose_controls(self) -> list[Link]:
        """Return sound links, the fastest first, no two of which share a rank."""
        reference = self.reference_gb_s
        ratios = {link: rate / reference for link, rate in self.together.items()}
        taken: set[int] = set()
        chosen: list[Link] = []
        for link in sorted((link for link in ratios if ratios[link] >= THRESHOLD), key=lambda link: -ratios[link]):
            if len(chosen) < _CONTROLS and not taken & set(link):
                chosen.append(link)
                taken |= set(link)
        return chosen
