"""Which series an incident may be about together."""

from typing import TYPE_CHECKING

import numpy as np

from commbench.analysis.nightly.panel import Group
from commbench.analysis.nightly.verdict import ScopeKind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# The columns that name a group of each kind, the widest first; a kind with a fabric is also looked for across fabrics.
_NAMED_BY: tuple[tuple[ScopeKind, tuple[str, ...]], ...] = (
    (ScopeKind.CLUSTER, ()),
    (ScopeKind.FABRIC, ("fabric",)),
    (ScopeKind.COLLECTIVE, ("collective",)),
    (ScopeKind.COLLECTIVE, ("collective", "fabric")),
    (ScopeKind.NODES, ("nodes",)),
    (ScopeKind.NODES, ("nodes", "fabric")),
)
_LEAST = 2  # series that make a group


def groups_of(series: "Sequence[Mapping[str, str]]") -> tuple[Group, ...]:
    """Return the groups of series with the values of their columns: of equal groups the one with most to say.

    `series` needs fabric, collective and nodes. With one fabric, "all_reduce" and "all_reduce on ib" are the same
    series; the longer name is kept, and likewise "fabric ib" before "everything".
    """
    found: dict[bytes, Group] = {}
    for kind, columns in _NAMED_BY:
        values = [tuple((name, row[name]) for name in columns) for row in series]
        for value in dict.fromkeys(values):
            members = np.array([each == value for each in values], dtype=bool)
            if members.sum() >= _LEAST:
                key = members.tobytes()
                if key not in found or _says_more(kind, value, found[key]):
                    found[key] = Group(kind, value, members)
    return tuple(found.values())


def _says_more(kind: ScopeKind, value: tuple[tuple[str, str], ...], than: Group) -> bool:
    """Return whether a name tells more of the same series; that all are on one node is no reason to say so."""
    is_alike = kind is than.kind or (kind is ScopeKind.FABRIC and than.kind is ScopeKind.CLUSTER)
    return is_alike and len(value) > len(than.where)
