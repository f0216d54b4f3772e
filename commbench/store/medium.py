"""What a store needs of the place where its files lie, be it a folder or a bucket.

A key is a path below the store with slashes, such as `points/month=2026-03/<run_id>-s0.parquet`. What lies under a key
is whole from the first moment in which anyone can see it, and a published key never changes.
"""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow.dataset as ds


class Medium(Protocol):
    """A place that keeps bytes under keys.

    Every method raises StoreUnavailableError when the place as a whole cannot be used now, FileNotFoundError when a
    single key is not there, and another OSError when a single key cannot be read.
    """

    @property
    def place(self) -> str:
        """Return what people type after --store."""

    @property
    def local_path(self) -> "Path | None":
        """Return the folder, or None when the store is not on a file system."""

    def name(self, key: str) -> str:
        """Return what a message calls the file under a key."""

    def keys(self, under: str) -> list[str]:
        """Return every key below a folder such as `points`, foreign files too, sorted; none if there is no folder."""

    def sizes(self, under: str) -> dict[str, int]:
        """Return the bytes under every key below a folder, in the order of the keys."""

    def fragment(self, key: str) -> "ds.ParquetFileFragment":
        """Return the parquet file under a key, to be read by pyarrow.dataset."""

    def read(self, key: str) -> bytes:
        """Return what lies under a key."""

    def put(self, key: str, data: bytes) -> bool:
        """Place bytes under a key and return True, or return False and change nothing if the key is taken."""

    def replace(self, key: str, data: bytes) -> None:
        """Place bytes under a key in one step, whatever lies there: only for what is derived."""

    def delete(self, key: str) -> None:
        """Remove a key; one that is not there is no error."""

    def probe(self) -> None:
        """Check that bytes can be placed here."""

    def tidy(self) -> None:
        """Remove what killed writers left behind long ago; never raises."""
