"""The store of all results: append a record, read frames, name runs."""

import os
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from commbench.errors import StoreError
from commbench.store import layout
from commbench.store.folder import Folder
from commbench.store.lookup import find_run
from commbench.store.publish import publish_table
from commbench.store.read import Query, read_frame
from commbench.store.schema import SCHEMAS
from commbench.store.tables import tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from commbench.model.run import Record
    from commbench.store.medium import Medium

    Value = str | int | float | bool
    Wanted = Value | Sequence[Value]

# Files lie under the month in which their session began; a session that runs into the next month is shorter than this.
_LONGEST_SESSION = timedelta(days=28)


class Store:
    """Parquet files in a folder that many processes may append to and read at the same time.

    Open it with `Store.open`, which checks that it can be used.
    """

    def __init__(self, medium: "Medium") -> None:
        self.medium = medium

    @classmethod
    def open(cls, place: str | os.PathLike[str], *, create: bool) -> "Store":
        """Return the store at a place; with `create`, make it if needed and check that it can be written.

        Raises:
            StoreError: there is none, it is no folder, it cannot be written, or a newer commbench wrote it.
        """
        medium = Folder.open(Path(place), create=create)
        layout.check_format(medium)
        if create:
            medium.probe()
            medium.put(layout.FORMAT_FILE, layout.format_text().encode())
        return cls(medium)

    @property
    def place(self) -> str:
        """Return what people type after --store."""
        return self.medium.place

    @property
    def path(self) -> Path:
        """Return the folder of the store.

        Raises:
            StoreError: the store is not on a file system.
        """
        if self.medium.local_path is None:
            raise StoreError(f"{self.place} is not a folder on this machine; choose another --store for this")
        return self.medium.local_path

    def append(self, record: "Record") -> None:
        """Publish a session's files; a second append of the same record changes nothing.

        Raises:
            StoreError: the store cannot be written, or holds that session with another content.
        """
        session = record.session
        layout.check_run_id(session.run_id)
        self.medium.tidy()
        for dataset, table in tables(record).items():
            key = layout.data_key(dataset, session.run_id, session.session, session.started_at_ns)
            publish_table(self.medium, dataset, table, key)

    def has_session(self, run_id: str, session: int) -> bool:
        """Return whether the session was published whole."""
        return any(layout.run_of(key) == (run_id, session) for key in self.medium.keys("runs"))

    def points(
        self,
        run_id: str | None = None,
        *,
        columns: "Sequence[str] | None" = None,
        since: datetime | None = None,
        **wanted: "Wanted",
    ) -> "pd.DataFrame":
        """Return one row for each attempt at a point, oldest files first.

        `since` (with a time zone) leaves out older points; every other keyword is a column and the value, or list
        of values, that it must have: `store.points(collective="all_reduce", status=["ok", "wrong_result"])`.
        """
        if since is not None and since.tzinfo is None:
            raise ValueError("since needs a time zone")
        where = None if since is None else pc.field("started_at") >= since
        for name, values in wanted.items():
            where = _and(where, _is_in("points", name, values))
        return read_frame(self.medium, Query("points", columns, where), self._keys("points", run_id, since))

    def samples(self, run_id: str, point_ids: "Sequence[int] | None" = None) -> "pd.DataFrame":
        """Return one row for each attempt and rank, rank -1 being the maximum over ranks; times are arrays in ns."""
        where = None if point_ids is None else _is_in("samples", "point_id", point_ids)
        return read_frame(self.medium, Query("samples", where=where), self._keys("samples", run_id))

    def runs(self) -> "pd.DataFrame":
        """Return one row for each session, in the order in which they began."""
        frame = read_frame(self.medium, Query("runs"), self._keys("runs"))
        return frame.sort_values(["started_at", "run_id", "session"], kind="stable", ignore_index=True)

    def run_ids(self) -> tuple[str, ...]:
        """Return all runs, the one with the newest session first."""
        query = Query("runs", ("run_id", "session", "started_at"))
        frame = read_frame(self.medium, query, self._keys("runs")).sort_values(
            ["started_at", "run_id"], ascending=False
        )
        return tuple(str(run_id) for run_id in frame["run_id"].drop_duplicates())

    def resolve_run(self, text: str) -> str:
        """Return the run id that `latest`, a whole id or the beginning of one names.

        Raises:
            UsageError: no run or more than one is meant; the message names the candidates.
        """
        return find_run(text, self.run_ids(), self.place)

    @staticmethod
    def latest_attempts(frame: "pd.DataFrame") -> "pd.DataFrame":
        """Return the rows of the last attempt at each point of each run, in the order of the frame."""
        last = frame.groupby(["run_id", "point_id"], sort=False)["attempt"].transform("max")
        return frame[frame["attempt"] == last].reset_index(drop=True)

    def journal_folder(self, run_id: str) -> Path:
        """Return the folder where a run keeps what it has finished until it is published.

        Raises:
            StoreError: the run id cannot be part of a path.
        """
        return self.path / layout.JOURNAL / layout.check_run_id(run_id)

    def journals(self) -> tuple[Path, ...]:
        """Return the journal folders of all runs that have one."""
        root = self.path / layout.JOURNAL
        return tuple(sorted(path for path in root.iterdir() if path.is_dir())) if root.is_dir() else ()

    def _keys(self, dataset: str, run_id: str | None = None, since: datetime | None = None) -> "Iterator[str]":
        first_month = "" if since is None else (since.astimezone(UTC) - _LONGEST_SESSION).strftime("%Y-%m")
        for key in self.medium.keys(dataset):
            run = layout.run_of(key)
            # A foreign file goes on to the reader, which names it.
            if run is None or (run_id in {None, run[0]} and layout.month_of(key) >= first_month):
                yield key


def _and(left: "pc.Expression | None", right: "pc.Expression") -> "pc.Expression":
    return right if left is None else left & right


def _is_in(dataset: str, name: str, values: "Wanted") -> "pc.Expression":
    if name not in SCHEMAS[dataset].names:
        raise ValueError(f"{dataset} has no column {name!r}")
    wanted = [values] if isinstance(values, str) or not isinstance(values, Iterable) else list(values)
    return pc.field(name).isin(pa.array(wanted, type=SCHEMAS[dataset].field(name).type))
