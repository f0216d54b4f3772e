"""Whether a published file still holds what was written into it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from commbench.errors import StoreError
from commbench.store import layout
from commbench.store.columns import KEYS
from commbench.store.identity import content_hash
from commbench.store.schema import CONTENT_HASH_KEY

if TYPE_CHECKING:
    from commbench.store.medium import Medium


@dataclass(frozen=True, slots=True)
class Verified:
    """What a sound file says of itself."""

    content_hash: str
    rows: int


def verify(medium: "Medium", dataset: str, key: str, *, contents: bool = True) -> Verified:
    """Return what a file says of itself, found true unless `contents` is false: then only the footer is read.

    Raises:
        FileNotFoundError: it is gone.
        StoreError: the file is foreign or damaged; the message says how, without naming the file.
    """
    if layout.run_of(key) is None:
        raise StoreError("foreign: its name is not <run_id>-s<session>.parquet below a month= folder")
    try:
        fragment = medium.fragment(key)
        schema = fragment.physical_schema
        told = (schema.metadata or {}).get(CONTENT_HASH_KEY, b"").decode(errors="replace")
        missing = [name for name in KEYS[dataset] if name not in schema.names]
        if missing or not told:
            lacks = f"the columns {', '.join(missing)}" if missing else "a content hash"
            raise StoreError(f"foreign: it lacks {lacks}, so commbench did not write it")
        rows = fragment.count_rows()
        if contents:
            _check(fragment.to_table(), told, key)
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"damaged: {' '.join(str(error).split())}") from error
    return Verified(told, rows)


def _check(table: pa.Table, told: str, key: str) -> None:
    if content_hash(table) != told:
        raise StoreError("damaged: its content is not what was written; the hash differs")
    run, session = layout.run_of(key) or ("", -1)
    names = {"run_id": run, "session": session}
    columns = {name: value for name, value in names.items() if name in table.column_names}
    if any(pc.any(pc.not_equal(table[name], value)).as_py() for name, value in columns.items()):
        raise StoreError("misnamed: its rows are of another run or session than its name says")
