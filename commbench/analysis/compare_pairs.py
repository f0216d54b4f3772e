"""Pairs of launches: what is compared is never a call against a call, but a launch against the one beside it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from commbench.analysis.comparison import Cell
from commbench.store.columns import MEASURED

CELL_COLUMNS = (
    "collective",
    "size_bytes",
    "dtype",
    "redop",
    "world_size",
    "nodes",
    "in_place",
    "cadence",
    "launch",
    "traffic_skew",
    "placement",
)
# Parts of a cell where both sides have the same values; where they have none in common it is a difference to flag.
SHARED_COLUMNS = ("backend", "fabric", "cluster", "gradients")

Block = tuple[object, ...]
Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Pairs:
    """The launches of one cell, side by side: `a_rows` and `b_rows` are places in the two frames, of equal length.

    `is_interleaved` says that the launches of every pair were made in one block; `unpaired` counts those left over.
    """

    cell: Cell
    a_rows: tuple[int, ...]
    b_rows: tuple[int, ...]
    is_interleaved: bool
    unpaired: int

    def __len__(self) -> int:
        return len(self.a_rows)


def usable(points: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with a right result and a time, without imported rows of size 0, whose size rounded away."""
    is_imported = points["source"].notna() & (points["source"] != MEASURED)
    is_timed = (points["iterations"] > 0) | points["printed_time_us"].notna()
    kept = (points["status"] == "ok") & is_timed & ~(is_imported & (points["size_bytes"] == 0))
    return points[kept].reset_index(drop=True)


def pair_up(a: pd.DataFrame, b: pd.DataFrame, compared: Sequence[str]) -> list[Pairs]:
    """Return the pairs of every cell that both sides measured, ascending; `compared` columns may differ in a cell."""
    others = [name for name in SHARED_COLUMNS if name not in compared and set(a[name]) & set(b[name])]
    columns = [name for name in CELL_COLUMNS if name not in compared]
    of_a, of_b = (_cells(rows, [*columns, *others]) for rows in (a, b))
    blocks, started = (_blocks(a), _blocks(b)), (_started(a), _started(b))
    telling = [name for name in others if len(set(a[name]) | set(b[name])) > 1]
    pairs = []
    for key in of_a:
        if key in of_b:
            cell = _cell(a, of_a[key][0], telling)
            pairs.append(_pairs(cell, of_a[key], of_b[key], blocks, started))
    return sorted(pairs, key=lambda each: _order(each.cell))


def _order(cell: Cell) -> tuple[object, ...]:
    return (
        *(cell.collective, cell.nodes or 0, cell.world_size, cell.dtype, cell.redop, cell.in_place),
        *(cell.cadence, cell.launch, cell.traffic_skew, cell.placement, cell.others, cell.size_bytes),
    )


def _cells(rows: pd.DataFrame, columns: Sequence[str]) -> Mapping[Key, list[int]]:
    found: dict[Key, list[int]] = {}
    for place, key in enumerate(_tuples(rows, columns)):
        found.setdefault(key, []).append(place)
    return found


def _tuples(rows: pd.DataFrame, columns: Sequence[str]) -> Iterator[Key]:
    """Yield the columns' values of each row; nulls are empty texts, so that they are equal."""
    values = ([("" if _is_null(each) else each) for each in rows[name].tolist()] for name in columns)
    return zip(*values, strict=True)


def _is_null(value: object) -> bool:
    return value is None or value != value  # noqa: PLR0124 - only NaN differs from itself, and pandas.isna is slow


def _blocks(rows: pd.DataFrame) -> list[Block]:
    """Return the block of each row; rows from before there were blocks have their launches for it."""
    block = rows["block"].astype(object).where(rows["block"].notna(), rows["launch_index"])
    return list(zip(rows["run_id"].tolist(), block.tolist(), strict=True))


def _started(rows: pd.DataFrame) -> list[pd.Timestamp]:
    return list(rows["started_at"])


def _cell(rows: pd.DataFrame, place: int, others: Sequence[str]) -> Cell:
    row = rows.iloc[place]
    nodes = row["nodes"]
    return Cell(
        **{name: str(row[name]) for name in ("collective", "dtype", "redop", "cadence", "launch")},
        size_bytes=int(row["size_bytes"]),
        world_size=int(row["world_size"]),
        nodes=None if pd.isna(nodes) else int(nodes),
        in_place=bool(row["in_place"]),
        traffic_skew=float(row["traffic_skew"]),
        placement="" if pd.isna(row["placement"]) else str(row["placement"]),
        others=tuple((name, "" if _is_null(row[name]) else str(row[name])) for name in others),
    )


def _pairs(
    cell: Cell,
    a_rows: list[int],
    b_rows: list[int],
    blocks: tuple[list[Block], list[Block]],
    started: tuple[list[pd.Timestamp], list[pd.Timestamp]],
) -> Pairs:
    """Pair the launches of one cell: by block where any block holds both sides, else in the order of time."""
    a_rows = sorted(a_rows, key=started[0].__getitem__)
    b_rows = sorted(b_rows, key=started[1].__getitem__)
    of_a, of_b = (_by_block(rows, places) for rows, places in ((a_rows, blocks[0]), (b_rows, blocks[1])))
    common = [block for block in of_a if block in of_b]
    if common:
        together = [pair for block in common for pair in zip(of_a[block], of_b[block], strict=False)]
    else:
        together = list(zip(a_rows, b_rows, strict=False))
    unpaired = len(a_rows) + len(b_rows) - 2 * len(together)
    return Pairs(cell, tuple(a for a, _ in together), tuple(b for _, b in together), bool(common), unpaired)


def _by_block(rows: Sequence[int], blocks: Sequence[Block]) -> dict[Block, list[int]]:
    found: dict[Block, list[int]] = {}
    for row in rows:
        found.setdefault(blocks[row], []).append(row)
    return found
