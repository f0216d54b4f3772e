"""Remove sessions by age: choose first, remove when told to."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from commbench.errors import UsageError
from commbench.store import copies, layout, pruned
from commbench.store.columns import DATASETS, KEYS
from commbench.store.frames import read_rows
from commbench.store.query import query

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from datetime import datetime

    from commbench.store.medium import Medium

# The row in `runs` goes last: an interrupted prune finds the session again, and what it has removed is written down.
SESSION_DATASETS = tuple(
    sorted((name for name in DATASETS if "session" in KEYS[name]), key=lambda name: (name == "runs", name))
)
_AGE = re.compile(r"([0-9]{1,5})\s*([dwy])")
_DAYS = {"d": 1, "w": 7, "y": 365}


@dataclass(frozen=True, slots=True)
class Removal:
    """A published file that is old enough to go."""

    dataset: str
    key: str
    size_bytes: int


def parse_age(text: str) -> timedelta:
    """Return the time that an age such as `180d`, `26w` or `2y` (of 365 days) names.

    Raises:
        UsageError: the text is no age, or no time at all.
    """
    match = _AGE.fullmatch(text.strip())
    if match is None or int(match[1]) == 0:
        raise UsageError(f"{text!r} is not an age; write days, weeks or years, such as 180d, 26w or 2y")
    return timedelta(days=int(match[1]) * _DAYS[match[2]])


def choose(
    medium: "Medium", before: "datetime", datasets: "Collection[str]", keep_purposes: "Collection[str]" = ()
) -> list[Removal]:
    """Return the files of sessions that ended before a time, but for those whose run had a purpose to keep.

    A session that has no row in `runs` is left alone: nothing tells its age or purpose.
    """
    found = query("runs", columns=("run_id", "session", "ended_at", "purpose"), until=before)
    sessions = {
        (run["run_id"], run["session"])
        for run in read_rows(medium, found).to_pylist()
        if run["ended_at"] < before and run["purpose"] not in keep_purposes
    }
    return [
        Removal(dataset, key, size_bytes)
        for dataset in SESSION_DATASETS
        if dataset in datasets
        for key, size_bytes in medium.sizes(dataset).items()
        if layout.run_of(key) in sessions
    ]


def remove(medium: "Medium", removals: "Collection[Removal]", now: "datetime") -> None:
    """Remove the files, and the copies that hold them; readers of them go on without, and say so.

    Raises:
        StoreUnavailableError: the store cannot be written; the same call finds and removes the rest.
    """
    if removals:
        pruned.note(medium, [each.key for each in removals], now)
    for copy in _copies_of(medium, removals):
        medium.delete(copy)
    for each in removals:
        medium.delete(each.key)


def _copies_of(medium: "Medium", removals: "Collection[Removal]") -> "Iterator[str]":
    months = {(each.dataset, layout.month_of(each.key)) for each in removals}
    for dataset in copies.COPIED:
        for key in medium.keys(copies.folder_of(dataset)):
            if (dataset, copies.month_of(key)) in months:
                yield key
