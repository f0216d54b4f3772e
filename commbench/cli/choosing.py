"""What `choose` and `report --compare` have in common: sides, their comparison, and the table of the choice."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from commbench.analysis.choice_input import EXAMPLES, Prices, Workload, load_prices, load_workload
from commbench.analysis.choose import EXTRA_COLUMNS, Rows, choose
from commbench.analysis.compare import COLUMNS, Selected, compare
from commbench.analysis.compare_select import parse_where, select
from commbench.analysis.comparison import Comparison, Margin
from commbench.cli.compare_sides import Asked, margin_of, sides

if TYPE_CHECKING:
    from commbench.analysis.choice import Choice
    from commbench.store.store import Store


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a comparison is to say: by which metrics, all without any, and against which margin, the suites' without."""

    metrics: tuple[str, ...] = ()
    margin: Margin | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """A comparison, the table made of it, and the two selections that both rest on."""

    comparison: Comparison
    choice: "Choice"
    a: Selected
    b: Selected


def workloads(names: tuple[str, ...]) -> tuple[Workload, ...]:
    """Return the training steps in the files; `examples` stands for the built-in ones.

    Raises:
        UsageError: a file cannot be read, or has mistakes.
    """
    return tuple(each for name in names for each in (EXAMPLES if name == "examples" else (load_workload(Path(name)),)))


def chosen(
    store: "Store", asked: Asked, wanted: Wanted, steps: tuple[Workload, ...] = (), prices: Prices | None = None
) -> Chosen:
    """Return everything that is known about a choice between two sides; its table has all metrics, wanted or not.

    Raises:
        UsageError: it is not clear what is to be compared, or it cannot be.
        GateError: a fabric did not carry the bytes that its label claims.
    """
    a, b, compared = sides(store, asked)
    margin = wanted.margin or margin_of(a, b, compared)
    whole = compare(a, b, compared, margin)
    rows = (_rows(store, a), _rows(store, b))
    choice = choose(whole, rows, steps, prices)
    return Chosen(compare(a, b, compared, margin, wanted.metrics) if wanted.metrics else whole, choice, a, b)


def prices_in(path: str | None) -> Prices | None:
    """Return the prices in a file; None where none is given.

    Raises:
        UsageError: the file cannot be read, or has mistakes.
    """
    return load_prices(Path(path)) if path else None


def _rows(store: "Store", side: Selected) -> Rows:
    """Return all attempts of a side, lost ones too, which the comparison leaves out."""
    columns = list(dict.fromkeys((*COLUMNS, *EXTRA_COLUMNS)))
    runs = sorted(set(side.points["run_id"]))
    points = pd.concat([store.points(run_id, columns=columns) for run_id in runs], ignore_index=True)
    return Rows(select(points, parse_where(side.where)))
