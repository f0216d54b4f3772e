"""The table of nccl-tests as text, of every era: its header says which columns there are, its rows may be torn.

Eras (source: PRINT calls of nccl-tests v2.0.0 to v2.19.6): up to 2.11 every program prints the leading columns that
it has and `error`, the largest difference; from 2.13 all print `redop root` and `#wrong`, a count; `-C` prints
`cputime`, `-I` adds four columns to each half, `-S` a time of day to the row.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from commbench.importers.names import NCCL_TYPES
from commbench.importers.numbers import is_cell

_HEADER = re.compile(r"#\s+size\s+count\s+type\b.*\bbusbw\b")
_TYPES = "|".join(sorted(NCCL_TYPES, key=len, reverse=True))
_ROW = re.compile(rf"(?:^|[\s:>)|\]])(\d{{1,18}})\s+(-?\d{{1,18}})\s+({_TYPES})(?=\s|$)(.*)")
# A line of NCCL's own that was printed into the middle of ours; a root of -1 or 0 may stick to the host before it.
_FOREIGN = re.compile(
    r"(?P<root>-1|0)?[^\s:]{1,255}:\d{1,9}:\d{1,9} "
    r"(?:\[\d+\] )?(?:\S{1,255}:\d{1,9} )?(?:\([^)]{0,255}\) )?NCCL [A-Z]+"
)
_TIMES = ("time", "cputime")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$")


@dataclass(frozen=True, slots=True)
class Header:
    """Which columns a table has: those before the numbers, those of one half, and whether a time of day follows."""

    leading: tuple[str, ...]
    half: tuple[str, ...]
    has_timestamp: bool

    @property
    def is_cpu_time(self) -> bool:
        """Whether the times are what the CPU took to launch the calls (`-C`)."""
        return self.half[0] == "cputime"


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it was printed; each half maps the header's names to the cells. `timestamp` is empty without -S."""

    size_bytes: int
    count: int
    nccl_type: str
    redop: str
    root: str
    out_of_place: dict[str, str]
    in_place: dict[str, str]
    timestamp: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The complete rows under one header, and how many rows could not be put together."""

    header: Header
    rows: tuple[Row, ...]
    torn: int


def read_header(line: str) -> Header | None:
    """Return the columns that a line of titles names, or None for another line."""
    if _HEADER.search(line) is None:
        return None
    titles = line[line.index("#") + 1 :].split()
    first = next((place for place, title in enumerate(titles) if title in _TIMES), None)
    if first is None or titles.count(titles[first]) != 2:  # noqa: PLR2004 - out of place and in place
        return None
    second = titles.index(titles[first], first + 1)
    width = second - first
    return Header(tuple(titles[:first]), tuple(titles[first:second]), "timestamp" in titles[second + width :])


def starts_row(line: str) -> bool:
    """Return whether the line has the beginning of a row."""
    return _ROW.search(_own_part(line)) is not None


def is_piece(line: str) -> bool:
    """Return whether the line, without what NCCL printed into it, is nothing but cells of a row."""
    cells = _TIMESTAMP.sub("", _own_part(line)).split()
    return bool(cells) and all(is_cell(cell) for cell in cells)


def read_table(header: Header, lines: Sequence[str]) -> Table:
    """Return the rows below a header.

    nccl-tests prints a row in three pieces as it goes; with NCCL_DEBUG on the same stream, lines of NCCL come in
    between. Pieces that hold nothing but cells are joined until the row is complete.
    """
    rows: list[Row] = []
    pending: _Pending | None = None
    torn = 0
    for line in lines:
        own = _own_part(line)
        start = _ROW.search(own)
        if start is not None:
            torn += pending is not None
            pending = _Pending(header, start)
        elif pending is not None:
            pending.add(own)
        if pending is not None and (row := pending.row()) is not None:
            rows.append(row)
            pending = None
    return Table(header, tuple(rows), torn + (pending is not None))


def _own_part(line: str) -> str:
    """Return what nccl-tests printed of the line."""
    match = _FOREIGN.search(line) if "NCCL" in line else None
    if match is None:
        return line
    return line[: match.start()] + (match["root"] or "")


class _Pending:
    """A row of which some pieces have been seen."""

    def __init__(self, header: Header, start: "re.Match[str]") -> None:
        self._header = header
        self._start = start
        self._rest = start[4]

    def add(self, piece: str) -> None:
        """Take one more line, if it can be a piece of the row."""
        if is_piece(piece):
            self._rest = f"{self._rest}  {piece}"

    def row(self) -> Row | None:
        """Return the row once it is complete."""
        time = _TIMESTAMP.search(self._rest.rstrip()) if self._header.has_timestamp else None
        cells = self._rest[: time.start()].split() if time else self._rest.split()
        redop, root, cells = self._leading(cells)
        half = self._header.half
        if len(cells) != 2 * len(half) or not all(is_cell(cell) for cell in cells):
            return None
        if self._header.has_timestamp and time is None:
            return None
        return Row(
            size_bytes=int(self._start[1]),
            count=int(self._start[2]),
            nccl_type=self._start[3],
            redop=redop,
            root=root,
            out_of_place=dict(zip(half, cells, strict=False)),
            in_place=dict(zip(half, cells[len(half) :], strict=True)),
            timestamp=time[0] if time else "",
        )

    def _leading(self, cells: list[str]) -> tuple[str, str, list[str]]:
        """Return redop, root and the other cells; up to 2.11 alltoall leaves the cell of its redop blank."""
        redop = root = ""
        if "redop" in self._header.leading and cells and not is_cell(cells[0]):
            redop, *cells = cells
        if "root" in self._header.leading and len(cells) > 2 * len(self._header.half):
            root, *cells = cells
        return redop, root, cells
