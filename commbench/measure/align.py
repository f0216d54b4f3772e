"""Put the stamps of all ranks on rank 0's clock, visit by visit, with a bound on what is left of the error."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from commbench.backend import Backend, Group, Meeting
from commbench.environment.clock_id import clock_identity, shares_clock
from commbench.measure.clock_offsets import Correction, OffsetBound, correction_between
from commbench.measure.clock_sync import ClockSync
from commbench.model.environment import HostFacts
from commbench.model.plan import Plan
from commbench.model.result import Samples

_NO_BOUND = 2**62


@dataclass(slots=True)
class Aligned:
    """The correction of this rank's stamps for one visit."""

    shares_clock: bool
    before: OffsetBound | None = None
    after: OffsetBound | None = None

    @property
    def correction(self) -> Correction | None:
        """Return how to correct this rank's stamps; None when there is no way to."""
        return correction_between(self.before, self.after)

    def on_rank_0(self, samples: Samples) -> Samples:
        """Return this rank's samples with stamps on rank 0's clock, or as they are when there is no correction."""
        correction = self.correction
        if correction is None:
            return samples
        return samples.moved(correction.to_root)


def widest_bound_ns(visits: Sequence[Aligned], group: Group) -> int | None:
    """Return the largest bound of any rank of the group in any of the visits in ns; None when some rank has none."""
    if all(aligned.shares_clock for aligned in visits):
        return 0  # as every rank knows: nothing to ask
    bounds = [_NO_BOUND if (known := aligned.correction) is None else known.bound_ns for aligned in visits]
    widest = group.largest(max(bounds))
    return None if widest >= _NO_BOUND else widest


class ClockAlignment:
    """How this launch's clocks are compared: not at all, not needed, or by pings before and after every visit."""

    def __init__(self, sync: ClockSync | None, *, shares_clock: bool) -> None:
        self._sync = sync
        self._shares_clock = shares_clock

    @contextmanager
    def around(self, ranks: Sequence[int]) -> Iterator[Aligned]:
        """Compare clocks before and after what is done inside; all of `ranks` take part, 0 first."""
        aligned = Aligned(self._shares_clock)
        if self._sync is not None:
            aligned.before = self._sync.sync(ranks)
        yield aligned
        if self._sync is not None:
            aligned.after = self._sync.sync(ranks)


@contextmanager
def open_alignment(
    plan: Plan, backend: Backend, meeting: Meeting, ranks: Sequence[HostFacts]
) -> Iterator[ClockAlignment]:
    """Open what this launch needs to compare clocks; `ranks` are the facts of all ranks, known on rank 0 only."""
    mode = plan.protocol.clock_sync
    if backend.rank == 0:
        shares = all(shares_clock(facts.clock_id, ranks[0].clock_id) for facts in ranks)
        use = "none" if mode == "never" or not backend.clock.is_comparable else "pings"
        meeting.announce("clocks", "shared" if mode == "auto" and use == "pings" and shares else use)
    use = meeting.hear("clocks")
    if use != "pings":
        yield ClockAlignment(None, shares_clock=use == "shared")
        return
    # "always" is for tests and doubters: there every rank pings, also those that read rank 0's own clock.
    clock_id = clock_identity() if mode == "auto" else ""
    sync = ClockSync.open(
        meeting, backend.rank, backend.world_size, meeting.address, backend.clock.stamp, clock_id=clock_id
    )
    try:
        yield ClockAlignment(sync, shares_clock=False)
    finally:
        sync.close()
