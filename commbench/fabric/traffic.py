"""What the counters of a host say about a fabric: how much of the expected went over it, and how much another way."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from commbench.fabric.counters import LinkDelta
from commbench.fabric.names import KNOWN, RDMA, TCP, Fabric
from commbench.units import format_size

# Bytes below which the store, the clocks, the journal and remote shells hide what the ranks sent. Torch's store moves
# at most 1 kB an announcement and rank, be it of one visit or of ten, and comparing clocks some 4 kB a visit and host.
# On a host of 8 ranks the 18 visits of a quick point come to a tenth of this. 90 visits, each announced alone, come to
# most of it, and on rank 0's host to more where hosts are many: then the verdict is left open, but not wrong, for a
# host only contradicts when as much is missing on the fabric.
LEAST_EXPECTED_BYTES = 2**20
# Measured on veth pairs (design page on fabrics): 0.996 to 1.002 of the expected on the fabric, 0 to 70 bytes on the
# other. Real NICs count headers as well (1 to 6 %), small messages many times their size: there is no upper limit.
_ALL_SHARE = 0.9
_NOTHING_SHARE = 0.1
# A host contradicts when this much is missing on the fabric and that much went another way: half and half must do, and
# a storage network that is busy meanwhile must not.
_MISSING_SHARE, _ELSEWHERE_SHARE = 0.25, 0.4


@dataclass(frozen=True, slots=True)
class HostTraffic:
    """What one host should have sent and received at least while calls were timed, and what its links counted.

    `links` are those that were selected on this host; empty means all links of the fabric's kind.
    """

    host: str
    expected_tx_bytes: int
    deltas: tuple[LinkDelta, ...]
    links: tuple[str, ...] = ()
    expected_rx_bytes: int = 0

    @property
    def expected_bytes(self) -> int:
        """Return the larger of both directions: the root of a broadcast sends, a leaf only receives."""
        return max(self.expected_tx_bytes, self.expected_rx_bytes)

    def moved_bytes(self, delta: LinkDelta) -> int | None:
        """Return what a link counted in the direction with the larger expectation."""
        return delta.tx_bytes if self.expected_tx_bytes >= self.expected_rx_bytes else delta.rx_bytes


@dataclass(frozen=True, slots=True)
class HostView:
    """What one host's counters mean; `share` is None when they say nothing.

    `carried` and `contradicts` are both false where they leave it open.
    """

    host: str
    reason: str
    share: float | None = None
    carried: bool = False
    contradicts: bool = False


def view(fabric: Fabric, traffic: HostTraffic) -> HostView:
    """Return what a host's counters say about the fabric that was asked for."""
    host, expected = traffic.host, traffic.expected_bytes
    if expected < LEAST_EXPECTED_BYTES:
        words = f"{format_size(expected)} expected on {host} are less than what goes on besides"
        return HostView(host, words)
    own = _own_links(fabric, traffic)
    counted = [moved for delta in own if (moved := traffic.moved_bytes(delta)) is not None]
    if not counted:
        return HostView(host, f"no link of {fabric.name} counts its bytes on {host}")
    share = sum(counted) / expected
    elsewhere = _elsewhere(fabric, traffic, own)
    others = sum(elsewhere.values()) / expected
    busiest = max(elsewhere, key=lambda link: elsewhere[link], default="")
    names = ", ".join(delta.link for delta in own)
    if share >= _ALL_SHARE and others <= _NOTHING_SHARE:
        words = f"{names} of {host} moved {share:.2f} of the expected bytes, all other links {others:.2f}"
        return HostView(host, words, share, carried=True)
    if share <= 1 - _MISSING_SHARE and others >= _ELSEWHERE_SHARE:
        words = (
            f"on {host} {busiest} moved {elsewhere[busiest] / expected:.2f} of the expected bytes, {names} {share:.2f}"
        )
        return HostView(host, words, share, contradicts=True)
    if share >= _ALL_SHARE:
        words = f"on {host} {busiest} was busy as well ({others:.2f} of the expected bytes, {names} {share:.2f})"
    else:
        words = f"{names} of {host} moved {share:.2f} of the expected bytes, and no other link the rest"
    return HostView(host, words, share)


def _own_links(fabric: Fabric, traffic: HostTraffic) -> list[LinkDelta]:
    """Return the links that should have carried the bytes; each byte is counted once, by the topmost link."""
    if traffic.links:
        return [delta for delta in traffic.deltas if delta.link in traffic.links]
    kinds: Sequence[str] = RDMA if fabric.kind not in KNOWN else (fabric.kind,)  # plugins sit on some RDMA device
    return _topmost([delta for delta in traffic.deltas if delta.fabric in kinds and not delta.is_loopback])


def _elsewhere(fabric: Fabric, traffic: HostTraffic, own: Sequence[LinkDelta]) -> dict[str, int]:
    """Return the bytes of links that are no part of the fabric, those that moved any.

    What lies below an own link carries the same bytes, and so does what stands on an own interface. What stands on an
    own RDMA port does not: bytes on ib0 went through sockets (IPoIB) instead of RDMA.
    """
    names = {delta.link for delta in own}
    below = {lower for delta in own for lower in _all_below(delta, traffic.deltas)}
    rest = [
        delta
        for delta in traffic.deltas
        if delta.link not in names | below
        and not delta.is_loopback
        and not (fabric.kind == TCP and names & _all_below(delta, traffic.deltas))
    ]
    return {delta.link: moved for delta in _topmost(rest) if (moved := traffic.moved_bytes(delta))}


def _topmost(deltas: list[LinkDelta]) -> list[LinkDelta]:
    below = {lower for delta in deltas for lower in _all_below(delta, deltas)}
    return [delta for delta in deltas if delta.link not in below]


def _all_below(delta: LinkDelta, deltas: Iterable[LinkDelta]) -> set[str]:
    lower_of = {one.link: one.lower for one in deltas}
    found: set[str] = set()
    waiting = list(delta.lower)
    while waiting:
        link = waiting.pop()
        if link not in found:
            found.add(link)
            waiting.extend(lower_of.get(link, ()))
    return found
