"""The columns as arrow schemas, as parquet write options and as documentation."""

import pyarrow as pa

from commbench.store.column import INT64S, Column
from commbench.store.columns import DATASETS, KEYS, SCHEMA_VERSION

# Keys of the file metadata.
VERSION_KEY = b"commbench_version"
SCHEMA_VERSION_KEY = b"schema_version"
CONTENT_HASH_KEY = b"content_hash"


def _field(column: Column) -> pa.Field:
    return pa.field(column.name, column.type, metadata={"unit": column.unit, "meaning": column.definition})


SCHEMAS: dict[str, pa.Schema] = {
    dataset: pa.schema([_field(column) for column in columns]) for dataset, columns in DATASETS.items()
}


def file_schema(dataset: str, commbench_version: str, content_hash: str) -> pa.Schema:
    """Return the dataset's schema with the metadata that every file carries."""
    metadata = {
        VERSION_KEY: commbench_version.encode(),
        SCHEMA_VERSION_KEY: str(SCHEMA_VERSION).encode(),
        CONTENT_HASH_KEY: content_hash.encode(),
    }
    return SCHEMAS[dataset].with_metadata(metadata)


def write_options(dataset: str) -> dict[str, object]:
    """Return how pyarrow is to encode the dataset.

    Consecutive calls take similar times, so their differences are small numbers: 2.1 bytes a sample with
    delta encoding and zstd, against 4.7 with pyarrow's defaults (docs/store.md).
    """
    lists = [column.name for column in DATASETS[dataset] if column.type == INT64S]
    return {
        "compression": "zstd",
        "use_dictionary": [column.name for column in DATASETS[dataset] if column.name not in lists],
        "column_encoding": {f"{name}.list.element": "DELTA_BINARY_PACKED" for name in lists} or None,
    }


def markdown() -> str:
    """Return all columns as the tables of docs/store.md; a test keeps the two equal."""
    return "\n\n".join(_table(dataset) for dataset in DATASETS)


def _table(dataset: str) -> str:
    head = [
        f"### `{dataset}`",
        "",
        f"One row for each {', '.join(f'`{key}`' for key in KEYS[dataset])}.",
        "",
        "| column | type | unit | definition |",
        "|---|---|---|---|",
    ]
    rows = [
        f"| `{column.name}` | {_type_name(column.type)} | {column.unit} | {column.definition} |"
        for column in DATASETS[dataset]
    ]
    return "\n".join(head + rows)


def _type_name(arrow_type: pa.DataType) -> str:
    return f"list<{arrow_type.value_type}>" if pa.types.is_list(arrow_type) else str(arrow_type)
