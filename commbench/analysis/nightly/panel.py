"""What is judged, as arrays: nights by series, with who shares what, and which hosts were there.

Axes: M metrics, N nights with data, S series, R re-measurements of the same night, G groups, H hosts, K sets of hosts.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from commbench.analysis.nightly.verdict import ScopeKind

NO_HOSTS = -1  # a measurement whose hosts are unknown, or that was not made


@dataclass(frozen=True, slots=True)
class Group:
    """Series that share the (column, value) pairs of `where`, and may become worse together; `members` is [S]."""

    kind: "ScopeKind"
    where: tuple[tuple[str, str], ...]
    members: "NDArray[np.bool_]"


@dataclass(frozen=True, slots=True)
class Panel:
    """Nights by series. Values are logarithms of time (of a bandwidth: negated), so that more is worse; NaN = none.

    `values` is [M, N, S], the first measurement of each night; `repeats` [M, N, S, R] holds the others of that night.
    `hosts` [N, S, 1 + R] names a row of `host_sets` [K, H] for each measurement, or is NO_HOSTS. `is_tail` [M] tells
    metrics of the slowest calls from those of the usual one; `classes` [S] numbers the class whose scale is shared.
    `is_offer` says that repeats are what one would get, of series that nobody asked for too: a simulation.
    """

    metrics: tuple[str, ...]
    is_tail: "NDArray[np.bool_]"
    values: "NDArray[np.float64]"
    repeats: "NDArray[np.float64]"
    classes: "NDArray[np.int64]"
    groups: tuple[Group, ...]
    hosts: "NDArray[np.int64]"
    host_sets: "NDArray[np.bool_]"
    host_names: tuple[str, ...]
    series_ids: tuple[str, ...]
    is_offer: bool = False


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A person's word that a level is the level from now on: `series` [S], since which night, said on which night."""

    series: "NDArray[np.bool_]"
    since: int
    night: int
