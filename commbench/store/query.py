"""What to read of a dataset: which files can matter, which rows of them, and which columns."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from commbench.store import layout
from commbench.store.schema import SCHEMAS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Value = str | int | float | bool
    Wanted = Value | Sequence[Value]

# Files lie under the month in which their session began; a session that runs into the next month is shorter than this.
_LONGEST_SESSION = timedelta(days=28)
# Row groups are left out by their statistics for `a == 1 | a == 2` in every pyarrow, for `isin` only in newer ones.
_SPELLED_OUT = 16
_TIME = "started_at"


@dataclass(frozen=True, slots=True)
class Query:
    """What to read: all columns unless some are named, all rows unless a pyarrow expression picks some."""

    dataset: str
    columns: "Sequence[str] | None" = None
    where: "pc.Expression | None" = None
    run_id: str | None = None
    first_month: str = ""
    last_month: str = "9999-12"

    def keeps(self, key: str) -> bool:
        """Return whether the file under a key can hold such rows; a foreign file is kept: the reader names it."""
        run = layout.run_of(key)
        return run is None or (
            self.run_id in {None, run[0]} and self.first_month <= layout.month_of(key) <= self.last_month
        )


def query(
    dataset: str,
    run_id: str | None = None,
    *,
    columns: "Sequence[str] | None" = None,
    since: datetime | None = None,
    until: datetime | None = None,
    wanted: "Mapping[str, Wanted] | None" = None,
) -> Query:
    """Return the query for rows that began from `since` on and before `until`, with the values wanted of columns.

    Raises:
        ValueError: a time has no zone, or the dataset has no such column.
    """
    for name in (*(columns or ()), *(wanted or ())):
        if name not in SCHEMAS[dataset].names:
            raise ValueError(f"{dataset} has no column {name!r}; docs/store.md lists them")
    parts = [_is_one_of(dataset, name, values) for name, values in (wanted or {}).items()]
    if since is not None:
        parts.append(pc.field(_TIME) >= _with_zone("since", since))
    if until is not None:
        parts.append(pc.field(_TIME) < _with_zone("until", until))
    return Query(
        dataset,
        columns,
        reduce(and_, parts) if parts else None,
        run_id,
        first_month="" if since is None else layout.month_at(since - _LONGEST_SESSION),
        last_month="9999-12" if until is None else layout.month_at(until),
    )


def _with_zone(name: str, time: datetime) -> datetime:
    if time.tzinfo is None:
        raise ValueError(f"{name} needs a time zone, such as datetime.UTC")
    return time.astimezone(UTC)


def _is_one_of(dataset: str, name: str, values: "Wanted") -> "pc.Expression":
    several = [values] if isinstance(values, str) or not isinstance(values, Iterable) else list(values)
    wanted = pa.array(several, type=SCHEMAS[dataset].field(name).type)
    if 0 < len(wanted) <= _SPELLED_OUT and not wanted.null_count:
        return reduce(or_, [pc.field(name) == value for value in wanted])
    return pc.field(name).isin(wanted)
