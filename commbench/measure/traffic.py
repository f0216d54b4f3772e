"""What a host's links moved while a point's calls were made: read by one rank of each host, point by point."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from commbench.fabric.counters import LinkDelta, LinkReading, deltas, snapshot

Snapshot = Callable[[], tuple[LinkReading, ...]]


@dataclass(frozen=True, slots=True)
class HostCount:
    """What one host's links moved during so many calls of a point.

    `links` are those that should have carried the bytes; `link_rate_gbit_s` is the rate of the slowest of them, and
    `variables` are the settings that chose them.
    """

    host: str
    links: tuple[str, ...]
    link_rate_gbit_s: float | None
    variables: Mapping[str, str] = field(default_factory=dict)
    calls: int = 0
    moved: tuple[LinkDelta, ...] = ()

    def to_text(self) -> str:
        """Return the traffic as text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> "HostCount":
        """Return the traffic that `to_text` wrote."""
        fields = json.loads(text)
        moved = (
            LinkDelta(**{**each, "lower": tuple(each["lower"]), "saturated": tuple(each["saturated"])})
            for each in fields["moved"]
        )
        return cls(**{**fields, "links": tuple(fields["links"]), "moved": tuple(moved)})


@dataclass(slots=True)
class TrafficGauge:
    """Attributes what the links move to the point that is being visited.

    Points that take turns are told apart at their changes, where the counters are read once. A gauge that is given
    nobody to read for costs nothing.
    """

    nothing: HostCount | None = None  # this host and its links, before anything was counted; None: do not count
    read: Snapshot = snapshot
    _counted: dict[int, HostCount] = field(default_factory=dict)
    _point_id: int | None = None
    _since: tuple[LinkReading, ...] = ()

    def visit(self, point_id: int, calls: int) -> None:
        """Hear that a point is about to make so many calls."""
        if self.nothing is None:
            return
        if point_id != self._point_id:
            now = self.read()
            self._end(now)
            self._point_id, self._since = point_id, now
        counted = self._counted.get(point_id, self.nothing)
        self._counted[point_id] = replace(counted, calls=counted.calls + calls)

    def pause(self) -> None:
        """Hear that what follows is no call of any point."""
        if self._point_id is not None:
            self._end(self.read())

    def _end(self, now: tuple[LinkReading, ...]) -> None:
        if self._point_id is None:
            return
        counted = self._counted[self._point_id]
        moved = deltas(self._since, now)
        self._counted[self._point_id] = replace(counted, moved=added(counted.moved, moved))
        self._point_id = None

    def take(self, point_id: int) -> str:
        """Return, as text, what was counted for a point, and forget it; empty when nobody counts here."""
        self.pause()
        counted = self._counted.pop(point_id, None)
        return counted.to_text() if counted else ""


def added(one: Sequence[LinkDelta], other: Sequence[LinkDelta]) -> tuple[LinkDelta, ...]:
    """Return two counts of the same links as one; a link that only one of them knows was not there all the time."""
    if not one:
        return tuple(other)
    rest = {(delta.fabric, delta.link): delta for delta in other}
    return tuple(
        replace(
            delta,
            tx_bytes=_sum(delta.tx_bytes, more.tx_bytes),
            rx_bytes=_sum(delta.rx_bytes, more.rx_bytes),
            notable={
                name: delta.notable.get(name, 0) + more.notable.get(name, 0)
                for name in sorted({*delta.notable, *more.notable})
            },
            saturated=tuple(sorted({*delta.saturated, *more.saturated})),
        )
        for delta in one
        if (more := rest.get((delta.fabric, delta.link))) is not None
    )


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other
