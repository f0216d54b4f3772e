"""Names and messages come from suites, hosts and imported files: in every view they stay text."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commbench.report.export import export
from commbench.report.html import render
from commbench.store.column import STRING, STRINGS, Column
from commbench.store.columns import POINTS, RUNS

from .frames import frame, point, run, runs

# Words that commbench itself looks up, so that nothing else can be in them, and JSON, which is read as such.
LOOKED_UP = {"collective", "dtype", "redop", "status", "cadence", "launch", "method", "blame", "stragglers"}
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</script><script>alert(1)</script>",
    "<!--",
    "]]><svg onload=alert(1)>",
    "javascript:alert(1)",
    "\x1b[31m\x07\u202eevil",
]


def _texts(columns: tuple[Column, ...], hostile: str) -> dict[str, object]:
    wanted = {STRING: hostile, STRINGS: [hostile]}
    return {
        column.name: wanted[column.type]
        for column in columns
        if column.type in wanted and column.name not in LOOKED_UP and not column.name.endswith("_json")
    }


class _Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # Values may differ, as they hold text; which attributes there are may not.
        self.found.append((tag, tuple((name, None) for name, _ in attrs)))


def _page(text: str) -> str:
    points = frame(point(0, **_texts(POINTS, text)), point(1, **_texts(POINTS, text)), point(2, run_id="other"))
    return render(points, runs(run(**_texts(RUNS, text))))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_add_no_element_and_no_attribute_to_the_page(hostile: str) -> None:
    assert _Tags(_page(hostile)).found == _Tags(_page("harmless")).found


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_stay_one_row_of_a_markdown_table(hostile: str) -> None:
    _check_markdown(export(frame(point(0, **_texts(POINTS, hostile))), "markdown"))


@settings(max_examples=60)
@given(text=st.text(max_size=30))
def test_any_text_stays_one_cell_of_a_markdown_table(text: str) -> None:
    _check_markdown(export(frame(point(0, **_texts(POINTS, text))), "markdown"))


def _check_markdown(table: str) -> None:
    lines = table.split("\n")
    assert len(lines) == 4, "head, rule, one row, end"
    assert "\r" not in table
    cells = [len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in lines[:3]]
    assert len(set(cells)) == 1
    assert not re.search(r"<|(?<!\\)(?:\\\\)*[\[\]`]", lines[2])


def test_the_texts_reach_the_page() -> None:
    page = _page("hostile-marker")
    assert page.count("hostile-marker") > 10
