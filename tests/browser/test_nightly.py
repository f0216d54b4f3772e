"""The history page in a real browser: its filter is used, and nobody's name becomes code."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from commbench.report.nightly_page import page
from tests.unit.report import nightly_cases as cases

from .test_report import OPTIONS

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium to open the page in")

# What a person does, as a script of the test: type words, then click an incident's button; say what is left.
PLAY = """
<script>
window.addEventListener("load", function () {{
  var input = document.getElementById("filter");
  function left() {{ return document.querySelectorAll(".grid figure:not([hidden])").length; }}
  var said = ["all " + left()];
  input.value = "{words}"; input.dispatchEvent(new Event("input")); said.push("typed " + left());
  document.querySelector("button[data-filter]").click(); said.push("clicked " + left());
  input.value = ""; input.dispatchEvent(new Event("input")); said.push("cleared " + left());
  said.push(document.getElementById("count").textContent);
  document.title = said.join("; ");
}});
</script>
"""


def browse(file: Path, *, fragment: str = "") -> "subprocess.CompletedProcess[str]":
    assert CHROMIUM is not None
    command = [
        CHROMIUM,
        *OPTIONS,
        f"--user-data-dir={file.parent / 'profile'}",
        "--enable-logging=stderr",
        "--dump-dom",
    ]
    return subprocess.run([*command, file.as_uri() + fragment], capture_output=True, text=True, check=True, timeout=100)


def test_typing_and_clicking_leave_the_series_that_are_meant(tmp_path: Path) -> None:
    text = page(cases.lines(cases.verdict(), count=600, nights=120))
    file = tmp_path / "history.html"
    # The page's own policy forbids scripts that are not its own: the player needs to be let in.
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    file.write_text(text.replace("</body>", PLAY.format(words="ALL_REDUCE 64 kib") + "</body>"), encoding="utf-8")
    dom = browse(file).stdout
    # Sizes repeat every eighth series: 600 of them from the 100th on hold 75 of 64 KiB.
    assert "<title>all 602; typed 75; clicked 2; cleared 602; 602 of 602 series</title>" in dom


def test_a_link_opens_the_page_with_its_filter_and_hostile_names_stay_names(tmp_path: Path) -> None:
    file = tmp_path / "history.html"
    file.write_text(page(cases.lines(cases.evil())), encoding="utf-8")
    shown = browse(file, fragment="#i-20260125-aa")
    assert shown.stdout.count("<figure") - shown.stdout.count('hidden=""') == 2
    assert "Refused to" not in shown.stderr, "the page's own policy stopped the page"
    assert "CONSOLE" not in shown.stderr.replace("CONSOLE:0", "")
