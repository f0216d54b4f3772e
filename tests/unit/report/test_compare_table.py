"""Views of a comparison; tests.truth.two_sides makes the rows."""

import csv
import io
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from commbench.analysis.compare import compare
from commbench.analysis.comparison import Comparison, Margin
from commbench.errors import UsageError
from commbench.report.compare_table import FORMATS, records, render
from tests.truth.two_sides import SIZES, Noise, sides

HOSTILE = "x|y\x1b[31m<b>\n# z"


def comparison(ratio: float = 1.2, blocks: int = 12, cells: int = 4, **changes: Any) -> Comparison:
    both = sides(Noise(cell=0.004).draw(np.random.default_rng(1), cells, blocks), ratio, **changes)
    return compare(*both, ("fabric",), Margin(0.03))


def test_the_table_names_the_sides_and_says_every_verdict_in_words() -> None:
    text = render(comparison(), "table")
    assert text.startswith("# a against b: 12 pairs of launches, side by side in blocks; margin 3 %, 95 % for")
    assert text.count("a faster by") == 16, "four metrics of four cells"
    assert "# all_reduce: 16 ranks, 2 nodes, in place, float32, sum, isolated" in text
    for size in SIZES[:4]:
        assert f"{size} " in text


def test_the_undecided_are_told_what_to_run() -> None:
    found = comparison(ratio=1.05, blocks=6)
    text = render(found, "table")
    assert "undecided (a ahead): run " in text
    assert f"16 numbers undecided; to decide all: run {found.more_pairs} more blocks" in text


def test_simulated_rows_say_so_in_every_format() -> None:
    found = comparison(is_simulated=True)
    assert "SIMULATED: not a measurement" in render(found, "table")
    assert "SIMULATED: not a measurement" in render(found, "markdown")
    assert json.loads(render(found, "json"))["is_simulated"] is True


def test_json_is_strict_and_holds_every_finding_to_the_last_digit() -> None:
    found = comparison(blocks=3)  # too few for an interval: its ends are infinite, which JSON has no word for
    read = json.loads(render(found, "json"), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert len(read["findings"]) == len(list(found.findings())) == 16
    first = found.rows[0].findings[0]
    assert read["findings"][0]["ratio"] == first.ratio
    assert (read["findings"][0]["ratio_high"], read["findings"][0]["more_pairs"]) == (None, first.more_pairs)
    assert (read["a"]["name"], read["margin"]["share"]) == ("a", 0.03)


def test_csv_has_one_line_per_finding_with_the_numbers_as_they_are() -> None:
    found = comparison()
    rows = list(csv.DictReader(io.StringIO(render(found, "csv"))))
    assert [row["verdict"] for row in rows] == [str(finding.verdict) for _, finding in found.findings()]
    assert [float(row["ratio"]) for row in rows] == [record["ratio"] for record in records(found)]


def test_markdown_is_one_table_with_as_many_cells_in_every_line() -> None:
    lines = [line for line in render(comparison(), "markdown").splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 16
    assert len({line.count("|") for line in lines}) == 1


@pytest.mark.parametrize("fmt", ["table", "markdown"])
def test_hostile_names_stay_text_on_one_line(fmt: str) -> None:
    found = comparison()
    hostile = replace(found, a=replace(found.a, name=HOSTILE), notes=(HOSTILE,))
    text = render(hostile, fmt)
    assert "\x1b" not in text
    assert "\n# z" not in text
    if fmt == "markdown":
        assert "<b>" not in text
        assert len({line.count("|") - line.count("\\|") for line in text.splitlines() if line.startswith("|")}) == 1


def test_an_unknown_format_names_those_there_are() -> None:
    with pytest.raises(UsageError, match=", ".join(FORMATS)):
        render(comparison(), "xml")
