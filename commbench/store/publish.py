"""How a table gets into the store: once, stamped with the hash of its content."""

import io
import logging
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from commbench import __version__
from commbench.errors import StoreError, StoreUnavailableError
from commbench.store.identity import content_hash
from commbench.store.schema import CONTENT_HASH_KEY, file_schema, write_options

if TYPE_CHECKING:
    from commbench.store.medium import Medium

_LOG = logging.getLogger("commbench.store")


def publish_table(medium: "Medium", dataset: str, table: pa.Table, key: str) -> None:
    """Publish the table under a key; do nothing if the same content is there already.

    Raises:
        StoreError: the key is there with another content, or cannot be read.
        StoreUnavailableError: the store cannot be written.
    """
    content = content_hash(table)
    if is_published(medium, key, content):
        return
    place(medium, key, _as_parquet(medium, dataset, table, key, content), content)


def place(medium: "Medium", key: str, data: bytes, content: str) -> None:
    """Put a parquet file of this content hash under a key, unless the same content comes there first.

    Raises:
        StoreError: the key is there with another content, or cannot be read.
        StoreUnavailableError: the store cannot be written.
    """
    if not medium.put(key, data) and not is_published(medium, key, content):
        raise StoreUnavailableError(f"{medium.name(key)} vanished while it was being published; publish again")


def is_published(medium: "Medium", key: str, content: str) -> bool:
    """Return whether a file with this content hash lies under the key.

    Raises:
        StoreError: another content lies there, or it cannot be read.
    """
    try:
        found = content_hash_of(medium, key)
    except FileNotFoundError:
        return False
    except (pa.ArrowException, OSError) as error:
        words = f"{medium.name(key)} is there but cannot be read ({error}); move it away and publish again"
        raise StoreError(words) from error
    if found != content:
        raise StoreError(
            f"{medium.name(key)} is there with another content: the same run and session was published before; "
            "nothing was overwritten"
        )
    _LOG.debug("%s was published before", medium.name(key))
    return True


def content_hash_of(medium: "Medium", key: str) -> str:
    """Return the content hash that a file's metadata tells, empty if it tells none.

    Raises:
        OSError: there is no such file, or it cannot be read.
        ArrowException: it is no parquet file.
    """
    metadata: dict[bytes, bytes] = medium.fragment(key).physical_schema.metadata or {}
    return metadata.get(CONTENT_HASH_KEY, b"").decode(errors="replace")


def _as_parquet(medium: "Medium", dataset: str, table: pa.Table, key: str, content: str) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table.cast(file_schema(dataset, __version__, content)), sink, **write_options(dataset))
    data = sink.getvalue()
    try:
        written = pq.read_metadata(io.BytesIO(data)).num_rows
    except pa.ArrowException as error:
        raise StoreError(f"{medium.name(key)} cannot be read back ({error}), so it was not published") from error
    if written != table.num_rows:
        raise StoreError(f"{medium.name(key)} has {written} rows instead of {table.num_rows}, so it was not published")
    return data
