"""What a column of the store is, and the arrow types that columns may have."""

from dataclasses import dataclass

import pyarrow as pa

STRING, BOOL, FLOAT64 = pa.string(), pa.bool_(), pa.float64()
INT16, INT32, INT64 = pa.int16(), pa.int32(), pa.int64()
TIMESTAMP = pa.timestamp("us", tz="UTC")
# The inner field carries the name that parquet gives it, so that a column read back has the type it was written with.
STRINGS, INT64S = pa.list_(pa.field("element", STRING)), pa.list_(pa.field("element", INT64))


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `unit` is empty for names, flags and counts."""

    name: str
    type: pa.DataType
    unit: str
    definition: str
