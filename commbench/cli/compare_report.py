"""`commbench report --compare`: the page of a comparison, and its charts as files."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from commbench.analysis.compare_curves import Heat, curves_of, heat_of
from commbench.cli.choosing import Chosen, Wanted, chosen, prices_in, workloads
from commbench.cli.output import write_text
from commbench.cli.reading import open_for_reading
from commbench.errors import UnfitError, UsageError
from commbench.report import compare_page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from commbench.analysis.compare import Selected
    from commbench.cli.compare_sides import Asked
    from commbench.store.store import Store

_CONVERTER = "rsvg-convert"


@dataclass(frozen=True, slots=True)
class Charts:
    """Where charts go as files: SVG, which needs nothing, and PNG by librsvg's own command, where that is installed."""

    folder: Path | None = None
    is_png: bool = False

    def check(self) -> None:
        """Refuse what cannot be done, before anything is read.

        Raises:
            UsageError: PNG without a folder.
            UnfitError: no converter is installed.
        """
        if self.is_png and self.folder is None:
            raise UsageError("--png says in which form charts are written, --plots where; give both")
        if self.is_png and shutil.which(_CONVERTER) is None:
            raise UnfitError(
                f"PNG needs {_CONVERTER}: apt-get install librsvg2-bin; or leave --png out, and take the SVG"
            )

    def write(self, charts: "Mapping[str, str]") -> None:
        """Write every chart by its name.

        Raises:
            UnfitError: a file cannot be written.
        """
        if self.folder is None:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for name, drawn in charts.items():
                path = self.folder / f"{name}.svg"
                path.write_text(drawn, encoding="utf-8")
                if self.is_png:
                    command = [_CONVERTER, "--zoom", "2", "--background-color", "white", "--output"]
                    subprocess.run([*command, path.with_suffix(".png"), path], check=True)  # noqa: S603 - no shell
        except OSError as error:
            why = error.strerror or error
            raise UnfitError(f"cannot write charts to {self.folder}: {why}; choose another --plots") from error
        except subprocess.CalledProcessError as error:
            raise UnfitError(f"{_CONVERTER} could not draw {path}; leave --png out, and take the SVG") from error


def write_comparison(
    place: str,
    asked: "Asked",
    wanted: Wanted,
    *,
    workload: tuple[str, ...],
    prices: str | None,
    output: str,
    charts: Charts,
) -> None:
    """Write the page of a comparison, and its charts as files where they are asked for.

    Raises:
        UsageError: it is not clear what is to be compared, or a file has mistakes.
        GateError: a fabric did not carry the bytes that its label claims.
        UnfitError: a file cannot be written, or nothing here makes PNG of SVG.
    """
    charts.check()
    steps, costs = workloads(workload), prices_in(prices)
    store = open_for_reading(place)
    parts = _parts(store, chosen(store, asked, wanted, steps, costs))
    charts.write(compare_page.plots(parts))
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
