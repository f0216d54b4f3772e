"""The parquet store: its columns, how a record gets in once and for ever, and how frames come out.

Start with `commbench.store.store.Store`. Nothing is imported here: `commbench --help` must not load pyarrow.
"""
