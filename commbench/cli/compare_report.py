"""`commbench report --compare`: the page of a comparison, and its charts as files."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from commbench.analysis.compare_curves import Heat, curves_of, heat_of
from commbench.analysis.comparison import Margin
from commbench.cli.choosing import Chosen, chosen, prices_in, workloads
from commbench.cli.compare_sides import Asked
from commbench.cli.output import write_text
from commbench.cli.reading import open_for_reading
from commbench.errors import UnfitError
from commbench.report import compare_page

if TYPE_CHECKING:
    from commbench.analysis.compare import Selected
    from commbench.store.store import Store


def write_comparison(
    place: str,
    names: tuple[str, ...],
    by: str,
    where: str,
    *,
    workload: tuple[str, ...],
    prices: str | None,
    output: str,
    plots: Path | None,
) -> None:
    """Write the page of a comparison, and with `plots` every chart as an SVG file into that folder.

    Raises:
        UsageError: it is not clear what is to be compared, or a file has mistakes.
        GateError: a fabric did not carry the bytes that its label claims.
        UnfitError: a file cannot be written.
    """
    steps, costs = workloads(workload), prices_in(prices)
    store = open_for_reading(place)
    parts = _parts(store, chosen(store, Asked(names, by, where=where), Margin(), steps, costs))
    if plots is not None:
        _write_plots(parts, plots)
    write_text(compare_page.render(parts), output)


def _parts(store: "Store", found: Chosen) -> compare_page.PageParts:
    comparison = found.comparison
    curves = curves_of(comparison, found.a.points, found.b.points)
    ranks = [_ranks(store, side) for side in (found.a, found.b)]

    def heat(place: int, series: int) -> Heat | None:
        side = (found.a, found.b)[place]
        return heat_of(ranks[place], side.points, curves[series].series, comparison.compared)

    return compare_page.PageParts(
        comparison,
        found.choice,
        curves,
        tuple((heat(0, series), heat(1, series)) for series in range(len(curves))),
        (compare_page.evidence_of(found.a.points), compare_page.evidence_of(found.b.points)),
    )


def _ranks(store: "Store", side: "Selected") -> pd.DataFrame:
    columns = ["run_id", "point_id", "attempt", "rank", "host", "last_share"]
    runs = sorted(set(side.points["run_id"]))
    return pd.concat([store.ranks(run_id)[columns] for run_id in runs], ignore_index=True)


def _write_plots(parts: compare_page.PageParts, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, drawn in compare_page.plots(parts).items():
            (folder / f"{name}.svg").write_text(drawn, encoding="utf-8")
    except OSError as error:
        raise UnfitError(
            f"cannot write charts to {folder}: {error.strerror or error}; choose another --plots"
        ) from error
