"""When one host explains what is bad: it gets an incident of its own, and those that it explains become part of it."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from commbench.analysis.nightly.hosts import suspicions
from commbench.analysis.nightly.panel import NO_HOSTS, Group
from commbench.analysis.nightly.track import Track
from commbench.analysis.nightly.verdict import Kind, ScopeKind, State

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from commbench.analysis.nightly.panel import Panel
    from commbench.analysis.nightly.rule import Rule

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]


class Naming:
    """The hosts that were named on recent nights: one must be named twice before it counts."""

    def __init__(self, panel: "Panel", rule: "Rule") -> None:
        self._panel, self._rule = panel, rule
        self._named_on: dict[int, int] = {}
        fabrics = [group.members for group in panel.groups if group.kind is ScopeKind.FABRIC]
        self._fabrics = fabrics or [np.ones(panel.values.shape[2], bool)]
        level = np.flatnonzero(~panel.is_tail)
        self._level = int(level[0]) if len(level) else 0

    def involved(self, host: int, night: int) -> "Flags":
        """Return the series [S] whose first measurement of a night was made on the host, among others."""
        sets = self._panel.hosts[night, :, 0]
        found: Flags = (sets != NO_HOSTS) & self._panel.host_sets[np.maximum(sets, 0), host]
        return found

    def above(self, middle: "Floats", suspects: "Flags", night: int) -> "Floats":
        """Return the last nights' measurements above their baselines [N, S, 1 + R]; `middle` is [M, N, S]."""
        first = max(0, night + 1 - self._rule.host_nights)
        nights = slice(first, night + 1)
        own = self._panel.repeats[self._level, nights]
        if self._panel.is_offer:
            own = np.where(suspects[nights, :, None], own, np.nan)
        every = np.concatenate([self._panel.values[self._level, nights, :, None], own], axis=-1)
        found: Floats = every - middle[self._level, nights, :, None]
        return found

    def named(self, middle: "Floats", suspects: "Flags", night: int, since: int = 0) -> int | None:
        """Return the host that explains the last nights, when it did so on two of them close to each other.

        Nights before `since` are left out: what a host did that is well again is no evidence.
        """
        above = self.above(middle, suspects, night)[-max(1, night + 1 - since) :]  # tonight at least
        first = night + 1 - len(above)
        hosts = self._panel.hosts[first : night + 1]
        # Fabric by fabric: when one of them is slow as a whole, nobody's presence makes a difference on it.
        found = [suspicions(self._panel, above, hosts, series, self._rule)[:1] for series in self._fabrics]
        named = [best for (best,) in filter(None, found) if best.is_named]
        if not named:
            return None
        host = max(named, key=lambda best: best.log_ratio).host
        before = self._named_on.get(host)
        self._named_on[host] = night
        return host if before is not None and night - before <= self._rule.merge_nights else None

    def explained(self, host: int, tracks: "list[Track]", night: int) -> list[int]:
        """Return the places of the tracks of the last nights whose members were mostly measured on the host."""
        found = []
        for place, each in enumerate(tracks):
            is_host = each.scope is not None and each.scope.kind is ScopeKind.HOST
            recent = night - each.touched <= self._rule.host_nights and (each.is_active or each.state is State.CLOSED)
            if recent and not is_host and each.kind is Kind.LEVEL:
                share = self.involved(host, each.touched)[each.members].mean()
                if share >= self._rule.scope_share:
                    found.append(place)
        return found

    def incident(self, host: int, tracks: "list[Track]", night: int, bad: "Flags", effect: float) -> Track:
        """Return the track of a host: it goes on the number of the first track that it explains, and takes them all."""
        scope = Group(ScopeKind.HOST, (("host", self._panel.host_names[host]),), np.ones(len(bad), bool))
        explained = [tracks[place] for place in self.explained(host, tracks, night)]
        members = bad.copy()
        for each in explained:
            members |= each.members
        if not explained:
            start = Track(len(tracks), Kind.LEVEL, scope, members, night, night, effect, seen=1, bad=1, touched=night)
            return replace(start, host=host, red_nights=(night,), origin=int(members.argmax()))
        first = explained[0]
        return replace(
            first,
            scope=scope,
            members=members,
            effect=effect,
            calm=0,
            ended=None,
            state=State.OPENED if first.opened == night else State.SEEN,
            touched=night,
            host=host,
        )
