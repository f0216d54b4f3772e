"""Where things lie in a store, and which names may lie there.

    <store>/points|samples|runs/month=YYYY-MM/<run_id>-s<session>.parquet
    <store>/_staging/                files being written
    <store>/_journal/<run_id>/       what a run under way has finished
    <store>/_cache/<dataset>/        copies of whole months, made by `commbench store compact`: may go at any time
    <store>/_pruned/                 lists of what `commbench store prune` removed
    <store>/_format.json             the version of this layout

Readers such as pandas open every file below a dataset's root, so nothing but finished parquet may lie there.
"""

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from commbench.errors import StoreError
from commbench.units import NS_PER_S

if TYPE_CHECKING:
    from commbench.store.medium import Medium

FORMAT = 1
FORMAT_FILE = "_format.json"
STAGING = "_staging"
JOURNAL = "_journal"
CACHE = "_cache"
PRUNED = "_pruned"
_MONTH = "month="

# First a letter or digit: pandas overlooks files that start with a dot or underscore, and a dash reads as an option.
_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_KEY = re.compile(r"(?:.*/)?month=[^/]*/(?P<run_id>[^/]+)-s(?P<session>\d+)\.parquet", re.DOTALL)


def check_run_id(run_id: str) -> str:
    """Return the run id, which becomes part of a path.

    Raises:
        StoreError: it holds anything but letters, digits, '.', '_' and '-', or starts with one of the last three.
    """
    if _RUN_ID.fullmatch(run_id) is None:
        raise StoreError(
            f"{run_id!r} cannot name a run; use letters, digits, '.', '_' and '-', and start with a letter or digit"
        )
    return run_id


def data_key(dataset: str, run_id: str, session: int, started_at_ns: int) -> str:
    """Return where a session's file of a dataset is published; the month is that of the session's start, in UTC."""
    month = month_at(datetime.fromtimestamp(started_at_ns // NS_PER_S, tz=UTC))
    return f"{dataset}/{_MONTH}{month}/{check_run_id(run_id)}-s{session}.parquet"


def run_of(key: str) -> tuple[str, int] | None:
    """Return the run id and session that a data file's key tells, or None for a foreign one."""
    match = _KEY.fullmatch(key)
    return (match["run_id"], int(match["session"])) if match else None


def month_of(key: str) -> str:
    """Return the month of a data file, such as `2026-03`."""
    return key.split("/")[-2].removeprefix(_MONTH)


def month_at(time: datetime) -> str:
    """Return the month, in UTC, of a time that has a zone."""
    return time.astimezone(UTC).strftime("%Y-%m")


def format_text() -> str:
    """Return what a new store's format file says."""
    return json.dumps({"format": FORMAT, "written_by": "commbench"}) + "\n"


def check_format(medium: "Medium") -> None:
    """Check that this commbench reads the store's layout; a store without a format file is taken as it is.

    Raises:
        StoreError: a newer commbench wrote the store, or its format file is damaged.
    """
    try:
        found = json.loads(medium.read(FORMAT_FILE))["format"]
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError) as error:
        name, wanted = medium.name(FORMAT_FILE), format_text().strip()
        raise StoreError(f"{name} is damaged ({error!r}); it should read {wanted}") from error
    if not isinstance(found, int) or found > FORMAT:
        raise StoreError(
            f"{medium.place} was written by a newer commbench (format {found}, this one reads {FORMAT}); "
            "upgrade commbench or choose another --store"
        )
