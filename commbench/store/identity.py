"""Hashes that stand for a series, a set of hosts, an environment and the content of a table."""

import json
from dataclasses import asdict
from hashlib import blake2b
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from commbench.model.environment import Environment
from commbench.model.point import Point
from commbench.store.column import INT64S
from commbench.store.columns import MEASURED

if TYPE_CHECKING:
    from collections.abc import Sequence

_ID_BYTES = 8  # 16 hex digits: at 10^6 different series, 1 in 10^7 that any two collide
_CONTENT_BYTES = 16
_NO_LIST = -1  # stands for the length of a list that is null

# What makes two points comparable. Not among them: the suite and the requested size (two requests that round to
# the same size are the same measurement), and the versions (comparing those is what a series is for).
SERIES_FIELDS = (
    "collective",
    "size_bytes",
    "dtype",
    "redop",
    "world_size",
    "nodes",
    "in_place",
    "backend",
    "fabric",
    "cadence",
    "launch",
    "traffic_skew",
)


def series_id(point: Point, cluster: str, source: str = MEASURED) -> str:
    """Return 16 hex digits that are equal for the same measurement on the same cluster, in every run."""
    variables = {name: getattr(point, name) for name in SERIES_FIELDS}
    variables["traffic_skew"] = float(point.traffic_skew)  # a suite may say 0 or 0.0
    # What follows only where it is set, so that ids from before there was such a thing stay what they were.
    if point.shared_gpu:
        variables["shared_gpu"] = True
    if point.placement:
        variables["placement"] = point.placement
    if point.gradients:
        variables["gradients"] = point.gradients
    if source != MEASURED:  # what another tool calls a time is not what we do
        variables["source"] = source
    return _short_hash(_canonical({"cluster": cluster, **variables}))


def hosts_id(hosts: "Sequence[str]") -> str | None:
    """Return 16 hex digits for the hosts in rank order, or None when they are unknown."""
    return _short_hash(_canonical(list(hosts))) if hosts else None


def environment_json(environment: Environment) -> str:
    """Return the environment as JSON with sorted keys: equal environments give equal text."""
    return _canonical(asdict(environment))


def env_id(text: str) -> str:
    """Return 16 hex digits for the text that `environment_json` gave."""
    return _short_hash(text)


def content_hash(table: pa.Table) -> str:
    """Return 32 hex digits for the table's names, types and values, whatever its chunks and parquet encoding."""
    digest = blake2b(digest_size=_CONTENT_BYTES)
    for field in table.schema:
        digest.update(f"{field.name}:{field.type};".encode())
        digest.update(_column_bytes(table.column(field.name)))
    return digest.hexdigest()


def _column_bytes(column: pa.ChunkedArray) -> bytes:
    if column.type == INT64S:  # a million samples: as bytes, not as text
        lengths, values = pc.list_value_length(column).fill_null(_NO_LIST), pc.list_flatten(column)
        return b"".join(part.to_numpy().astype("<i8").tobytes() for part in (lengths, values))
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    return _canonical(column.to_pylist()).encode()


def _canonical(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _short_hash(text: str) -> str:
    return blake2b(text.encode(), digest_size=_ID_BYTES).hexdigest()
