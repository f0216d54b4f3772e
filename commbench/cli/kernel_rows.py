"""Runs of the kernel benchmark in a store: find one, and show it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from commbench.report.html import Part
    from commbench.store.store import Store

_FIGURE = "kernel-roofline"


def kernel_text(store: str, run: str, *, as_json: bool) -> str:
    """Return one run of the kernel benchmark as a table or as JSON.

    Raises:
        UsageError: there is no such run.
        StoreError: there is no such store, or it cannot be read.
    """
    from commbench.report.export import export
    from commbench.store.store import Store

    rows = find_kernel_run(Store.open(store, create=False), run)
    return export(rows, "json") if as_json else kernel_view(rows)


def kernel_view(rows: "pd.DataFrame") -> str:
    """Return one run of the kernel benchmark as a table, with its targets."""
    from commbench.analysis.kernel_targets import targets
    from commbench.report.kernel_table import kernel_table

    return kernel_table(rows, targets(rows))


def find_kernel_run(opened: "Store", run: str) -> "pd.DataFrame":
    """Return the rows of one run: an id, its beginning, or `latest`; no rows where there is no run at all.

    Raises:
        UsageError: no run or more than one is meant.
    """
    from commbench.store.lookup import find_run

    rows = opened.kernel()
    if rows.empty:
        return rows
    newest_first = rows.sort_values("started_at", ascending=False)["run_id"].drop_duplicates()
    return rows[rows["run_id"] == find_run(run, [str(each) for each in newest_first], opened.place)]


def kernel_part(rows: "pd.DataFrame") -> "Part | None":
    """Return the section of the report about one run of the kernel benchmark, None when there is none."""
    from commbench.analysis.kernel_targets import targets
    from commbench.report.kernel_section import kernel_section

    return None if rows.empty else kernel_section(rows, targets(rows), _FIGURE)


def kernel_page(store: str, run: str) -> str:
    """Return a page of one run of the kernel benchmark alone.

    Raises:
        UsageError: there is no such run.
        StoreError: there is no such store, or it cannot be read.
    """
    from commbench.analysis.kernel_targets import targets
    from commbench.report.kernel_section import kernel_section
    from commbench.report.markup import element, join
    from commbench.report.page import page
    from commbench.store.store import Store

    rows = find_kernel_run(Store.open(store, create=False), run)
    body, figures = kernel_section(rows, targets(rows), _FIGURE)
    title = "commbench: fused bucket kernel"
    return page(title, join([element("header", element("h1", title)), body]), figures)
