"""Print the table and put it into docs/methodology.md, between its markers: `python -m tests.truth_regress.publish`."""

import sys
from pathlib import Path

from tests.truth_regress.table import markdown

METHODOLOGY = Path(__file__).parents[2] / "docs" / "methodology.md"
BEGIN, END = "<!-- regress:begin -->", "<!-- regress:end -->"


def with_table(page: str, table: str) -> str:
    """Return the page with what is between the markers replaced."""
    before, _, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert end, f"no {BEGIN} ... {END} in the page"
    return f"{before}{BEGIN}\n{table}{END}{after}"


if __name__ == "__main__":
    made = markdown()
    sys.stdout.write(made)
    METHODOLOGY.write_text(with_table(METHODOLOGY.read_text(encoding="utf-8"), made), encoding="utf-8")
    sys.exit("a target is missed" if "**no**" in made else 0)
