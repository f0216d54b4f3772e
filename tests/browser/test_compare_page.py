"""The page of a comparison in a real browser, with a mouse and a keyboard: two simulated fabrics, 30 % apart."""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

from commbench.cli.main import main
from commbench.errors import ExitCode
from tests.browser.devtools import Browser
from tests.browser.test_report import CHROMIUM, OPTIONS

SUITE = """\
[suite]
name = "two"
[sweep]
collectives = ["all_reduce"]
sizes = ["4KiB", "256KiB", "16MiB"]
ranks = [4]
backend = "simulated"
fabrics = ["infiniband", "roce"]
[measure]
launches = 12
iterations = 30
[fabrics.roce]
kind = "roce"
time_factor = 1.3
link_rate_gbit_s = 100.0
"""
PRICES = """\
currency = "EUR <b>"
[fabrics.infiniband]
per_hour = 2.0
[fabrics.roce]
per_hour = 1.9
"""
SHOWN = "[...document.querySelectorAll('.pick .panes > *')].map(each => getComputedStyle(each).display != 'none')"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    (folder / "two.toml").write_text(SUITE)
    (folder / "prices.toml").write_text(PRICES)
    store = ("--store", str(folder / "results"))
    plots = ("--plots", str(folder / "plots"), "--prices", str(folder / "prices.toml"))
    wanted = ("report", "--compare", *store, *plots, "-o", str(folder / "page.html"))
    for arguments in (("run", str(folder / "two.toml"), *store), wanted):
        with pytest.raises(SystemExit) as stopped:
            main([*arguments])
        assert (stopped.value.code or 0) == ExitCode.OK
    return folder / "page.html"


@pytest.fixture(scope="module")
def browser(page: Path) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("needs a Chromium to open the page in")
    options = tuple(each for each in OPTIONS if "virtual-time" not in each)
    with Browser(CHROMIUM, (*options, "--window-size=1300,1000"), page) as opened:
        yield opened


def test_a_click_on_a_size_shows_its_distribution_and_hides_the_others(browser: Browser) -> None:
    assert browser.evaluate(SHOWN) == [True, False, False]
    browser.click("label[for=ecdf-0-2]")
    assert browser.evaluate(SHOWN) == [False, False, True]
    assert "16 MiB" in browser.evaluate("document.querySelector('.pick .panes > :nth-child(3) h3').textContent")


def test_the_keyboard_chooses_a_size_as_well(browser: Browser) -> None:
    browser.click("label[for=ecdf-0-0]")
    browser.press("ArrowRight", 39)
    assert browser.evaluate(SHOWN) == [False, True, False]


def test_all_numbers_unfold_at_a_click_and_fold_again(browser: Browser) -> None:
    is_open = "document.querySelector('details').open"
    assert browser.evaluate(is_open) is False
    browser.click("summary")
    assert browser.evaluate(is_open) is True
    assert browser.evaluate("document.querySelector('details table').checkVisibility()") is True
    browser.click("summary")
    assert browser.evaluate(is_open) is False


def test_the_verdict_comes_first_and_every_part_is_there(page: Path, browser: Browser) -> None:
    verdict = browser.evaluate("document.querySelector('.verdict').textContent")
    assert verdict == "Of 3 cells: infiniband is faster in 3."
    parts = browser.evaluate("[...document.querySelectorAll('h2')].map(each => each.textContent)")
    assert parts == [
        "At a glance",
        "Cell by cell",
        "all_reduce: 4 ranks, 1 node, in place, float32, sum, isolated",
        "Which fabric carried the bytes",
        "What else is different",
        "Method",
    ]
    assert browser.evaluate("document.querySelectorAll('figure svg').length") == 3 + 3 + 2
    said = browser.evaluate("document.body.innerText")
    assert "SIMULATED: not a measurement" in said
    assert "infiniband pays: it pays from a gain of 5.26 % on" in said
    assert "workload not given" in said


def test_the_page_needs_no_script_loads_nothing_and_names_stay_names(page: Path, browser: Browser) -> None:
    text = page.read_text()
    assert "<script" not in text
    assert "default-src 'none'" in text
    assert "EUR <b>" not in text
    assert browser.evaluate("document.querySelectorAll('table b').length") == 0
    assert browser.evaluate("performance.getEntriesByType('resource').length") == 0


def test_every_chart_has_a_name_for_those_who_do_not_see_it_and_the_sides_differ_not_in_colour_alone(
    browser: Browser,
) -> None:
    assert browser.evaluate("[...document.querySelectorAll('svg')].every(each => each.ariaLabel.length > 10)") is True
    dashes = browser.evaluate("document.querySelectorAll('svg path[stroke-dasharray=\"7 4\"]').length")
    assert dashes == 2 * (3 + 3), "the line, and what says above the chart that it is the dashed one"
    assert browser.evaluate("document.querySelectorAll('svg circle').length > 0") is True
    assert browser.evaluate("document.documentElement.scrollWidth <= window.innerWidth") is True


def test_every_chart_is_a_file_that_stands_alone(page: Path) -> None:
    files = sorted((page.parent / "plots").glob("*.svg"))
    assert [file.stem for file in files][:3] == [
        "0-all_reduce-busbw",
        "0-all_reduce-ecdf-16777216",
        "0-all_reduce-ecdf-262144",
    ]
    assert len(files) == 3 + 3 + 2
    assert all(ET.parse(file).getroot().tag == "{http://www.w3.org/2000/svg}svg" for file in files)
