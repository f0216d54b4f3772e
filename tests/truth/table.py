"""The truth table: a row for every claim that was held against a known truth."""

from dataclasses import dataclass, field
from pathlib import Path

_HEADER = ("claim", "truth", "measured", "holds", "test")
_HOLDS = {True: "yes", False: "**no**", None: "shown only"}


@dataclass(frozen=True, slots=True, order=True)
class Row:
    """A claim, the truth that was planted, and what came out."""

    claim: str
    truth: str
    measured: str
    where: str
    passed: bool | None = field(compare=False)

    def cells(self) -> tuple[str, ...]:
        """Return the row's cells, fit for a markdown table."""
        texts = (self.claim, self.truth, self.measured, _HOLDS[self.passed], self.where)
        return tuple(" ".join(text.split()).replace("|", "\\|") for text in texts)


class TruthTable:
    """Rows as they come; a row given twice is kept once."""

    def __init__(self) -> None:
        self._rows: set[Row] = set()

    def add(self, claim: str, truth: str, measured: str, passed: bool | None, where: str) -> None:
        """Add a row; `passed` is None for what is shown for comparison and claims nothing."""
        # A numpy bool is no key of _HOLDS by identity, but by value.
        self._rows.add(Row(claim, truth, measured, where, None if passed is None else bool(passed)))

    def markdown(self) -> str:
        """Return the table, sorted by claim."""
        rows = [_HEADER, ("---",) * len(_HEADER), *(row.cells() for row in sorted(self._rows))]
        return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)

    def write(self, path: Path) -> None:
        """Write the table, making the folder it goes to; an empty table is not written."""
        if self._rows:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.markdown(), encoding="utf-8")
