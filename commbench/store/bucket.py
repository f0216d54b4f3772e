"""A store in an S3-compatible bucket: every file is one conditional PUT, so it is whole, and there once.

What obstore does by itself and what it leaves to us was tried against injected faults (version 0.12, see
tests/unit/store/test_bucket.py): it tries again after a 5xx answer, and after a connection that broke under a GET but
not under a PUT; and it reports a 409, S3's answer while another request for the same key is under way, as if the key
were taken.

Endpoint, region and keys come from the environment (AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, ...) and are
written nowhere.
"""

import random
import time
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa
import pyarrow.dataset as ds

from commbench.errors import StoreError, StoreUnavailableError
from commbench.store.s3 import SCHEME, connect, may_pass, split_place, why

if TYPE_CHECKING:
    from collections.abc import Callable

_Result = TypeVar("_Result")

# How long an operation is tried before the store counts as away: S3's own overload passes within seconds.
PATIENCE_S = 30.0
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.1, 5.0  # between two tries, doubled each time
_PROBE = "_probe"  # placed once, by the first writer ever
_LISTED_AT_ONCE = 1000  # what S3 answers at most
_FORMAT = ds.ParquetFileFormat()


class _ConflictError(Exception):
    """Another request for the same key is under way, and has placed nothing yet."""


class Bucket:
    """A store's medium in a bucket, below a prefix; nothing is asked of the server before it is used."""

    local_path = None

    def __init__(self, place: str, patience_s: float | None = None) -> None:
        """Take `s3://bucket/prefix`.

        Raises:
            UsageError: that is no name of a bucket and prefix.
            StoreError: obstore is not installed, or the AWS_* environment variables make no sense to it.
        """
        bucket, prefix = split_place(place)
        self.place = f"{SCHEME}{bucket}/{prefix}".rstrip("/")
        self._patience_s = PATIENCE_S if patience_s is None else patience_s
        self._client = connect(bucket, prefix, self._patience_s)

    def name(self, key: str) -> str:
        return f"{self.place}/{key}"

    def keys(self, under: str) -> list[str]:
        return list(self.sizes(under))

    def sizes(self, under: str) -> dict[str, int]:
        def listed() -> dict[str, int]:
            chunks = self._client.list(under, chunk_size=_LISTED_AT_ONCE)
            return {each["path"]: each["size"] for chunk in chunks for each in chunk}

        return dict(sorted(self._patiently(f"list {self.name(under)}", listed).items()))

    def fragment(self, key: str) -> ds.ParquetFileFragment:
        return _FORMAT.make_fragment(pa.py_buffer(self.read(key)))

    def read(self, key: str) -> bytes:
        return self._patiently(f"read {self.name(key)}", lambda: self._client.get(key).bytes().to_bytes())

    def put(self, key: str, data: bytes) -> bool:
        from obstore.exceptions import AlreadyExistsError

        def create() -> bool:
            try:
                self._client.put(key, data, mode="create")
            except AlreadyExistsError as error:
                try:
                    self._client.head(key)
                except FileNotFoundError:
                    raise _ConflictError(str(error)) from error
                return False
            return True

        what = f"write {self.name(key)}"
        try:
            return self._patiently(what, create)
        except FileNotFoundError as error:
            raise StoreError(f"cannot {what}: {why(error)}") from error

    def replace(self, key: str, data: bytes) -> None:
        self._patiently(f"write {self.name(key)}", lambda: self._client.put(key, data, use_multipart=False))

    def delete(self, key: str) -> None:
        self._patiently(f"remove {self.name(key)}", lambda: self._client.delete(key))

    def probe(self) -> None:
        """Check that bytes can be placed here, and that the server never replaces what is there.

        Raises:
            StoreError: it does: some servers ignore `If-None-Match` without a word.
        """
        if self.put(_PROBE, b"") and self.put(_PROBE, b""):
            raise StoreError(
                f"the server of {self.place} replaces files that are there (it ignores If-None-Match), so that writers "
                "could destroy each other's results; choose a store on another server"
            )

    def tidy(self) -> None:
        """Do nothing: a PUT that was cut short leaves nothing."""

    def _patiently(self, what: str, call: "Callable[[], _Result]") -> _Result:
        """Return what the call returns, trying again for a while when that may help.

        Every call may be repeated: a read changes nothing, and what a repeated PUT finds in its place is compared
        by whoever publishes.
        """
        from obstore.exceptions import BaseError

        deadline, wait_s = time.monotonic() + self._patience_s, _FIRST_WAIT_S
        while True:
            try:
                return call()
            except (BaseError, _ConflictError) as error:
                if not may_pass(error):
                    raise StoreError(f"cannot {what}: {why(error)}") from error
                if time.monotonic() + wait_s > deadline:
                    raise StoreUnavailableError(f"cannot {what}: {why(error)}") from error
            time.sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 - so that writers do not try in step
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
