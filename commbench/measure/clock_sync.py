"""Compare this rank's clock with rank 0's by pings over TCP; rank 0 answers only while all ranks are in sync().

Raw sockets, because their round trip is a seventh of one through gloo: design 3.3. Measured cost on loopback, 2 vCPUs:
0.5 to 0.8 ms per pinging rank and sync, with a bound of 3 us.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from commbench.backend import Meeting
from commbench.measure.clock_link import Link, accept_ranks, connect, digest
from commbench.measure.clock_offsets import OffsetBound, Ping, intersect

PINGS = 30  # the bound hardly shrinks with more: design 3.3
_KEY = "clock"
_LIMIT_S = 60.0  # ranks leave a visit within one call of each other; a call that long has failed
_GO, _TELL, _ASK = b"g", b"t", b"?"
_STAMP = struct.Struct("<q")
_RESULT = struct.Struct("<?qqq")  # whether there is one, then an OffsetBound


@dataclass(frozen=True, slots=True)
class ClockSync:
    """This rank's connection to rank 0, or on rank 0 those to all others."""

    rank: int
    stamp: Callable[[], int]
    links: dict[int, Link]
    clock: bytes = b""

    @classmethod
    def open(
        cls,
        meeting: Meeting,
        rank: int,
        world_size: int,
        address: str,
        stamp: Callable[[], int],
        *,
        clock_id: str = "",
        limit_s: float = _LIMIT_S,
    ) -> "ClockSync":
        """Connect all ranks to rank 0, whose host is at `address`; `stamp` reads this rank's clock in ns.

        Of the ranks with one `clock_id` (see environment/clock_id.py) only the first pings, and those with rank 0's
        need not; without one every rank does.

        Raises:
            RankError: some rank did not come, or cannot reach rank 0's host.
        """
        clock = digest(clock_id)
        if rank == 0:
            links = accept_ranks(meeting, _KEY, world_size, limit_s) if world_size > 1 else {}
        else:
            links = {0: connect(meeting, _KEY, rank, address, clock=clock, limit_s=limit_s)}
        return cls(rank, stamp, links, clock)

    def sync(self, ranks: Sequence[int]) -> OffsetBound | None:
        """Return rank 0's clock minus ours; None when a clock stepped meanwhile. All of `ranks`, 0 first, call this.

        Ranks ping one after another, so that none waits for an answer while rank 0 answers another.

        Raises:
            RankError: a rank was lost, or did not come in time.
        """
        if self.rank > 0:
            return self._ask(self.links[0])
        known = {self.clock: _RESULT.pack(True, 0, 0, 0)} if self.clock else {}
        for rank in ranks[1:]:
            peer = self.links[rank]
            if peer.clock in known:
                peer.send(_TELL + known[peer.clock])
                continue
            result = self._answer(peer)
            if peer.clock:
                known[peer.clock] = result
        return OffsetBound(0, 0, 0)

    def close(self) -> None:
        """Close the connections."""
        for link in self.links.values():
            link.connection.close()

    def _ask(self, root: Link) -> OffsetBound | None:
        """Ping rank 0 and tell it the outcome, or be told that of another rank with our clock."""
        if root.receive(len(_GO)) == _TELL:
            is_known, *numbers = _RESULT.unpack(root.receive(_RESULT.size))
            return OffsetBound(*numbers) if is_known else None
        bound = self._ping(root)
        root.send(_RESULT.pack(True, bound.at_ns, bound.offset_ns, bound.bound_ns) if bound else _RESULT.pack(*[0] * 4))
        return bound

    def _ping(self, root: Link) -> OffsetBound | None:
        stamp, send, receive = self.stamp, root.send, root.receive
        raw = []
        for _ in range(PINGS):
            t1_ns = stamp()
            send(_ASK)
            answer = receive(_STAMP.size)
            raw.append((t1_ns, answer, stamp()))
        return intersect([Ping(t1_ns, _STAMP.unpack(answer)[0], t3_ns) for t1_ns, answer, t3_ns in raw])

    def _answer(self, peer: Link) -> bytes:
        """Answer a rank's pings and return the outcome it tells."""
        stamp, send, receive, pack = self.stamp, peer.send, peer.receive, _STAMP.pack
        send(_GO)
        for _ in range(PINGS):
            receive(len(_ASK))
            send(pack(stamp()))
        return receive(_RESULT.size)
