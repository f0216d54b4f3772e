"""Publish imported runs: once, however often they are imported."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from commbench.errors import UsageError
from commbench.importers import nccl_debug
from commbench.importers.lines import clean_lines
from commbench.importers.parsed import NCCL_LOG, Hints, ParsedRun
from commbench.importers.read import read_runs, read_text
from commbench.importers.rows import Fabric, Import, Row, point_rows, run_row
from commbench.store import layout
from commbench.store.publish import publish_table
from commbench.store.schema import SCHEMAS
from commbench.units import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commbench.store.store import Store


@dataclass(frozen=True, slots=True)
class Imported:
    """One run of a file: its name in the store, how many points it has, how it ended, and whether it is new there."""

    run_id: str
    source: str
    points: int
    exit_state: str
    reason: str
    is_new: bool


def files_below(path: Path) -> list[Path]:
    """Return the path itself, or the files below a folder in order of their names, hidden ones left out.

    Raises:
        UsageError: the folder has none.
    """
    if not path.is_dir():
        return [path]
    below = (each for each in path.rglob("*") if each.is_file())
    found = sorted(each for each in below if not any(part.startswith(".") for part in each.relative_to(path).parts))
    if not found:
        raise UsageError(f"there are no files below {path}")
    return found


def import_file(store: "Store", path: Path, hints: Hints, cluster: str) -> list[Imported]:
    """Publish every run in a file; those that the store has are left as they are.

    Raises:
        UsageError: there is no run in it that can be read; nothing of the file was stored.
        StoreError: the store cannot be written.
    """
    text = read_text(path)
    changed_at = datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)
    runs = read_runs(text, hints)
    return [_publish(store, Import(run, cluster, changed_at, _fabric(text, run, len(runs), hints))) for run in runs]


def _fabric(text: str, run: ParsedRun, runs: int, hints: Hints) -> Fabric:
    """Return what NCCL printed beside the results tells; beside several runs, only what stands within each."""
    if run.source == NCCL_LOG or runs == 1:
        return nccl_debug.fabric_of("\n".join(clean_lines(text)), hints.of_run)
    return nccl_debug.fabric_of(run.text)


def _publish(store: "Store", found: Import) -> Imported:
    is_new = not store.has_session(found.run_id, 0)
    if is_new:
        started_at_ns = int(found.started_at.timestamp() * NS_PER_S)
        for dataset, rows in (("points", point_rows(found)), ("runs", [run_row(found)])):
            key = layout.data_key(dataset, found.run_id, 0, started_at_ns)
            publish_table(store.medium, dataset, _table(dataset, rows), key)
    run = found.run
    return Imported(found.run_id, run.source, len(run.points), run.exit_state, found.reason, is_new)


def _table(dataset: str, rows: "Sequence[Row]") -> pa.Table:
    try:
        return pa.Table.from_pylist(list(rows), schema=SCHEMAS[dataset])
    except (pa.ArrowException, OverflowError) as error:
        raise UsageError(f"a number in it does not fit the store's columns: {error}") from error
