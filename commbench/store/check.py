"""Look at every file of a store and say what is wrong with it."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from commbench.errors import StoreError
from commbench.store import layout, pruned
from commbench.store.columns import DATASETS
from commbench.store.copies_check import check_copies
from commbench.store.finding import Finding, fault, note
from commbench.store.frames import read_rows
from commbench.store.query import query
from commbench.store.verify import Verified, verify

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from commbench.store.medium import Medium

_READERS = 4  # reading and hashing of large columns happen outside of Python's lock
_RESTORE = "restore it from a backup or move it out of the store"
_MEASURED = "commbench"
_RANKS_SINCE = 2  # schema version whose sessions publish `ranks`
Session = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Checkup:
    """What was looked at, and what was found; `contents` tells whether more than footers was read."""

    files: int
    rows: int
    size_bytes: int
    contents: bool
    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        """Return whether nothing is wrong; notes are nothing wrong."""
        return not any(finding.is_fault for finding in self.findings)


def check(medium: "Medium", *, contents: bool = True) -> Checkup:
    """Check every file's name, footer and, with `contents`, its hash; and that every session is whole.

    Runs that are published meanwhile are no trouble.
    """
    promised = _sessions(medium)  # before the rest is listed: what a row promises is there by then
    sizes = {dataset: medium.sizes(dataset) for dataset in DATASETS}
    findings: list[Finding] = []
    sound: dict[str, Verified] = {}
    for dataset, files in sizes.items():
        for key, result in _verify_all(medium, dataset, files, contents=contents):
            if isinstance(result, Finding):
                findings.append(result)
            else:
                sound[key] = result
        findings += _twice(medium, files)
    findings += _lacking(medium, promised, sizes)
    findings += _without_run(medium, sizes["points"])
    findings += check_copies(medium, sizes, sound)
    findings += _leftovers(medium)
    size_bytes = sum(sum(files.values()) for files in sizes.values())
    rows = sum(each.rows for each in sound.values())
    return Checkup(sum(map(len, sizes.values())), rows, size_bytes, contents, tuple(findings))


def _sessions(medium: "Medium") -> "dict[Session, frozenset[str]]":
    """Return the datasets that each row in `runs` promises."""
    runs = read_rows(medium, query("runs", columns=("run_id", "session", "schema_version", "source")))
    promised = {}
    for run in runs.to_pylist():
        datasets = {"points"}
        if run["source"] in {None, "", _MEASURED}:  # what is imported has no samples
            datasets |= {"samples", "ranks"} if (run["schema_version"] or 0) >= _RANKS_SINCE else {"samples"}
        promised[(run["run_id"], run["session"])] = frozenset(datasets)
    return promised


def _verify_all(
    medium: "Medium", dataset: str, files: "Mapping[str, int]", *, contents: bool
) -> "Iterator[tuple[str, Verified | Finding]]":
    def look(key: str) -> "Verified | Finding | None":
        try:
            return verify(medium, dataset, key, contents=contents)
        except StoreError as error:
            return fault(medium.name(key), str(error), _RESTORE)
        except FileNotFoundError:  # pruned since it was listed
            return None

    with ThreadPoolExecutor(_READERS) as readers:
        for key, result in zip(files, readers.map(look, files), strict=True):
            if result is not None:
                yield key, result


def _twice(medium: "Medium", files: "Mapping[str, int]") -> "Iterator[Finding]":
    counts = Counter(session for key in files if (session := layout.run_of(key)))
    for key in files:
        session = layout.run_of(key)
        if session and counts[session] > 1:
            yield fault(medium.name(key), "doubled: its session lies under two months", "keep one of them")


def _lacking(
    medium: "Medium", promised: "Mapping[Session, frozenset[str]]", sizes: "Mapping[str, Mapping[str, int]]"
) -> "Iterator[Finding]":
    gone = {(key.partition("/")[0], layout.run_of(key)) for key in pruned.noted(medium)}
    there = {dataset: {layout.run_of(key) for key in files} for dataset, files in sizes.items()}
    for session, datasets in promised.items():
        for dataset in sorted(datasets):
            if session not in there[dataset] and (dataset, session) not in gone:
                what = f"its {dataset} are missing, and were not pruned"
                yield fault(f"run {session[0]}, session {session[1]}", what, "restore them from a backup")


def _without_run(medium: "Medium", points: "Mapping[str, int]") -> "Iterator[Finding]":
    runs = {layout.run_of(key) for key in medium.keys("runs")}  # again, for those published meanwhile
    journals = {key.split("/")[1] for key in medium.keys(layout.JOURNAL)}
    for key in points:
        session = layout.run_of(key)
        if session and session not in runs:
            where = medium.name(key)
            what = "its session has no row in runs"
            if session[0] in journals:
                yield note(where, f"{what} yet", "publish the rest: `commbench run SUITE --resume`")
            else:
                yield fault(where, what, "publish it again (`commbench store push`), or restore the row from a backup")


def _leftovers(medium: "Medium") -> "Iterator[Finding]":
    left = medium.sizes(layout.STAGING)
    if left:
        what = f"{len(left)} unfinished files, {sum(left.values())} bytes, of writers at work or killed"
        yield note(medium.name(layout.STAGING), what, "nothing to do: later writers remove them after a week")
