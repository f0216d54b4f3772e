"""The store of all results: append a record, read frames, name runs."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from commbench.errors import StoreError
from commbench.store import layout
from commbench.store.bucket import Bucket
from commbench.store.folder import Folder
from commbench.store.frames import read_frame
from commbench.store.lookup import find_run
from commbench.store.publish import publish_table
from commbench.store.query import query
from commbench.store.ready import append_rows
from commbench.store.s3 import is_bucket
from commbench.store.spool import room_for
from commbench.store.tables import tables

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import pandas as pd

    from commbench.model.run import Record
    from commbench.store.medium import Medium
    from commbench.store.query import Wanted
    from commbench.store.ready import Row

_RUN_ORDER = ("started_at", "run_id", "session")


class Store:
    """Parquet files in a folder or a bucket that many processes may append to and read at the same time.

    Open it with `Store.open`, which checks that it can be used.
    """

    def __init__(self, medium: "Medium") -> None:
        self.medium = medium

    @classmethod
    def open(cls, place: str | os.PathLike[str], *, create: bool) -> "Store":
        """Return the store at a place; with `create`, make it if needed and check that it can be written.

        Raises:
            UsageError: a bucket is not named as `s3://bucket/prefix`.
            StoreError: there is none, it is no folder, it cannot be written, or a newer commbench wrote it.
            StoreUnavailableError: a bucket does not answer, or the folder cannot be written now.
        """
        medium: Medium = Bucket(str(place)) if is_bucket(place) else Folder.open(Path(place), create=create)
        layout.check_format(medium)
        if create:
            medium.probe()
            medium.put(layout.FORMAT_FILE, layout.format_text().encode())
        return cls(medium)

    @classmethod
    def unchecked(cls, place: str) -> "Store":
        """Return the store in a bucket that may not answer now.

        Raises:
            UsageError: that is no name of a bucket and prefix.
            StoreError: obstore is not installed.
        """
        return cls(Bucket(place))

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

    @property
    def _local_path(self) -> Path:
        """Return where runs under way keep their journals; those of a bucket are in the spool."""
        return self.medium.local_path or room_for(self.place)

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

    def append_rows(self, dataset: str, rows: "Sequence[Row]", name: str, at_ns: int) -> None:
        """Publish rows that are ready as one file that is called `name`; again with the same rows changes nothing.

        Rows of a run are called by its `run_id`; `at_ns` is Unix time.

        Raises:
            StoreError: the rows do not fit the dataset, or other rows have that name already.
            StoreUnavailableError: the store cannot be written.
        """
        append_rows(self.medium, dataset, rows, name, at_ns)

    def has_session(self, run_id: str, session: int) -> bool:
        """Return whether the session was published whole."""
        return any(layout.run_of(key) == (run_id, session) for key in self.medium.keys("runs"))

    def points(
        self,
        run_id: str | None = None,
        *,
        columns: "Sequence[str] | None" = None,
        since: "datetime | None" = None,
        until: "datetime | None" = None,
        **wanted: "Wanted",
    ) -> "pd.DataFrame":
        """Return one row for each attempt at a point, oldest files first.

        `since` (inclusive) and `until` (exclusive), with a time zone, are about `started_at`; every other keyword is
        a column and the value, or list of values, that it must have:
        `store.points(collective="all_reduce", fabric="roce", status=["ok", "wrong_result"])`.

        Raises:
            ValueError: there is no such column, or a time without a zone.
        """
        return read_frame(
            self.medium, query("points", run_id, columns=columns, since=since, until=until, wanted=wanted)
        )

    def samples(self, run_id: str, point_ids: "Sequence[int] | None" = None) -> "pd.DataFrame":
        """Return one row for each attempt and rank, rank -1 being the maximum over ranks; times are arrays in ns."""
        wanted = {} if point_ids is None else {"point_id": point_ids}
        return read_frame(self.medium, query("samples", run_id, wanted=wanted))

    def ranks(self, run_id: str | None = None, **wanted: "Wanted") -> "pd.DataFrame":
        """Return one row for each rank of each attempt, narrowed by columns as in `points`."""
        return read_frame(self.medium, query("ranks", run_id, wanted=wanted))

    def incidents(self, **wanted: "Wanted") -> "pd.DataFrame":
        """Return one row for each event of each incident, in the order in which they were written."""
        frame = read_frame(self.medium, query("incidents", wanted=wanted))
        return frame.sort_values("at", kind="stable", ignore_index=True)

    def kernel(self, run_id: str | None = None, **wanted: "Wanted") -> "pd.DataFrame":
        """Return one row for each case of each run of the kernel benchmark, narrowed by columns as in `points`."""
        return read_frame(self.medium, query("kernel", run_id, wanted=wanted))

    def runs(
        self,
        run_id: str | None = None,
        *,
        columns: "Sequence[str] | None" = None,
        since: "datetime | None" = None,
        until: "datetime | None" = None,
        **wanted: "Wanted",
    ) -> "pd.DataFrame":
        """Return one row for each session, in the order in which they began; narrowed as in `points`.

        Raises:
            ValueError: there is no such column, or a time without a zone.
        """
        read = None if columns is None else tuple(dict.fromkeys((*columns, *_RUN_ORDER)))
        found = query("runs", run_id, columns=read, since=since, until=until, wanted=wanted)
        frame = read_frame(self.medium, found).sort_values(list(_RUN_ORDER), kind="stable", ignore_index=True)
        return frame if columns is None else frame[list(columns)]

    def run_ids(self) -> tuple[str, ...]:
        """Return all runs, the one with the newest session first."""
        found = query("runs", columns=_RUN_ORDER)
        frame = read_frame(self.medium, found).sort_values(["started_at", "run_id"], ascending=False)
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
        return self._local_path / layout.JOURNAL / layout.check_run_id(run_id)

    def spooled_journal_folder(self, run_id: str) -> Path:
        """Return where a run's journal goes on when the folder of the store vanishes under it.

        Raises:
            StoreError: the run id cannot be part of a path.
        """
        return room_for(self.place) / layout.JOURNAL / layout.check_run_id(run_id)

    def journals(self) -> tuple[Path, ...]:
        """Return the journal folders of all runs that have one, those in the spool too."""
        found = {}
        for root in (self._local_path / layout.JOURNAL, room_for(self.place) / layout.JOURNAL):
            # The spool's is the newer one of two: it was copied there when nothing more could be written here.
            found.update({path.name: path for path in root.iterdir() if path.is_dir()} if root.is_dir() else {})
        return tuple(path for _, path in sorted(found.items()))
