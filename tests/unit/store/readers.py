"""A dataset read as people read it: with pandas, DuckDB and polars, and never with commbench."""

from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq


def ask(sql: str) -> duckdb.DuckDBPyRelation:
    """Return what DuckDB answers."""
    answer = duckdb.sql(sql)
    assert answer is not None, "the statement asks for nothing"
    return answer


def plainly(reader: str, root: Path) -> int:
    """Return how many rows a reader finds with the shortest call that its manual shows."""
    if reader == "pandas":
        return len(pd.read_parquet(root))
    if reader == "duckdb":
        found = ask(f"SELECT count(*) FROM read_parquet('{root}/*/*.parquet', union_by_name = true)").fetchall()
        return int(found[0][0])
    if reader == "polars folder":  # which opens files of any name
        return len(pl.scan_parquet(root).collect())
    return len(pl.read_parquet(root / "**/*.parquet"))


def by_docs(reader: str, root: Path) -> pa.Table:
    """Return all columns of files of all versions, as docs/store.md says."""
    files = sorted(root.glob("*/*.parquet"))
    if reader == "pandas":
        schema = pa.unify_schemas([pq.read_schema(file) for file in files]).append(pa.field("month", pa.string()))
        return pa.Table.from_pandas(pd.read_parquet(root, schema=schema, dtype_backend="pyarrow"), preserve_index=False)
    if reader == "duckdb":
        return ask(f"SELECT * FROM read_parquet('{root}/*/*.parquet', union_by_name = true)").to_arrow_table()
    return (
        pl.concat([pl.scan_parquet(file, hive_partitioning=True) for file in files], how="diagonal")
        .collect()
        .to_arrow()
    )


def comparable(table: pa.Table, schema: pa.Schema, keys: tuple[str, ...]) -> list[str]:
    """Return the rows in the order of their keys, as text: NaN equals NaN, and null equals only null."""
    columns = [table[name].combine_chunks().cast(schema.field(name).type) for name in schema.names]
    plain = pa.Table.from_arrays(columns, schema=schema.remove_metadata())
    rows = sorted(plain.to_pylist(), key=lambda row: tuple(str(row[key]) for key in keys))
    return [repr(row) for row in rows]
