"""Talk to an S3-compatible server through obstore: names, the connection, and what its errors mean."""

import os
import re
from datetime import timedelta
from typing import TYPE_CHECKING

from commbench.errors import StoreError, UsageError

if TYPE_CHECKING:
    from obstore.store import S3Store

SCHEME = "s3://"
_REQUEST_LIMIT = timedelta(seconds=60)  # a samples file of some MB over a slow line
_CONNECT_LIMIT = timedelta(seconds=5)
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; a prefix becomes part of every key.
_PLACE = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>[A-Za-z0-9._/=+-]*))?")
_STATUS = re.compile(r"status code: (\d{3})")
_SERVER_ERROR = 500
_PASSING = {408, 409, 429}  # client errors that another try may mend: timeout, conflict, too many requests
_METADATA_ADDRESS = "169.254."  # where object_store looks for credentials when it was given none


def is_bucket(place: object) -> bool:
    """Return whether a --store means a bucket and not a folder."""
    return str(place).startswith(SCHEME)


def split_place(place: str) -> tuple[str, str]:
    """Return bucket and prefix of `s3://bucket/prefix`.

    Raises:
        UsageError: it is written otherwise; the message never repeats it, since people put keys into URLs.
    """
    match = _PLACE.fullmatch(place)
    parts = (match["prefix"] or "").strip("/").split("/") if match else []
    if match is None or any(part in {".", ".."} for part in parts) or "" in parts[1:]:
        raise UsageError(
            "a --store in a bucket is written s3://bucket/prefix, of letters, digits, '.', '_', '-', '=' and '+'; "
            "keys and the endpoint come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_ENDPOINT_URL"
        )
    return match["bucket"], "/".join(parts)


def connect(bucket: str, prefix: str, patience_s: float) -> "S3Store":
    """Return the client; nothing is sent yet.

    Raises:
        StoreError: obstore is not installed, or the AWS_* environment variables make no sense to it.
    """
    try:
        from obstore.exceptions import BaseError
        from obstore.store import S3Store
    except ImportError as error:
        raise StoreError("a store in a bucket needs obstore; install it: pip install 'obstore>=0.12'") from error
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")
    try:
        return S3Store(
            bucket,
            prefix=prefix or None,
            client_options={
                "allow_http": endpoint.startswith("http://"),  # whoever writes it so means it: a server in the lab
                "timeout": _REQUEST_LIMIT,
                "connect_timeout": _CONNECT_LIMIT,
            },
            retry_config={"retry_timeout": timedelta(seconds=patience_s)},
        )
    except (BaseError, ValueError) as error:
        words = "the AWS_* environment variables give no usable connection; check AWS_ENDPOINT_URL and AWS_REGION"
        raise StoreError(words) from error


def may_pass(error: Exception) -> bool:
    """Return whether the same request may succeed later."""
    text = str(error)
    status = _STATUS.search(text)
    if status is not None:
        return int(status[1]) >= _SERVER_ERROR or int(status[1]) in _PASSING
    return _METADATA_ADDRESS not in text


def why(error: Exception) -> str:
    """Return what went wrong and what to do, without the server's words: they may quote what was sent."""
    text = str(error)
    status = _STATUS.search(text)
    if _METADATA_ADDRESS in text:
        return "there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    if status is None:
        return "the server cannot be reached; check AWS_ENDPOINT_URL and the network"
    if status[1] in {"401", "403"}:
        return "access denied; check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN"
    if status[1] == "404":
        return "there is no such bucket; create it, or choose another --store"
    return f"the server answered {status[1]}"
