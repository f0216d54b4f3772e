"""Every view of a night says the same thing, in its own form, and lets nobody's name become code."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from commbench.analysis.nightly.verdict import Learning, NightVerdict, Outcome, State
from commbench.report.nightly_json import as_json, webhook
from commbench.report.nightly_junit import junit
from commbench.report.nightly_markdown import markdown
from commbench.report.nightly_metrics import MOST_SERIES, openmetrics
from commbench.report.nightly_page import page
from commbench.report.nightly_table import table

from . import nightly_cases as cases

# Jenkins' junit-10.xsd: the attributes that each element may have.
JUNIT = {
    "testsuites": {"name", "tests", "failures", "errors", "time"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp", "hostname", "id", "package"},
    "testcase": {"name", "classname", "time", "assertions", "status"},
    **{result: {"message", "type"} for result in ("failure", "error", "skipped")},
}


def samples(text: str) -> dict[str, list[tuple[dict[str, str], float]]]:
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(text):  # type: ignore[no-untyped-call]
        found[family.name] = [(sample.labels, sample.value) for sample in family.samples]
    return found


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.scripts, self.handlers = 0, 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.handlers += sum(name.startswith("on") for name, _ in attrs)


def test_the_terminal_says_what_since_when_by_how_much_where_why_and_what_to_type_next() -> None:
    text = table(cases.verdict())
    assert text.startswith("# night 2026-01-25 of lab: RED: 1 incident with 2 series; 40 series judged\n")
    for words in (
        "fabric ib: the usual call 25 % slower (95 %: +20 .. +30 %) in 2 of 2 series",
        "since 2026-01-25, last good 2026-01-24",
        "suspect host node-7: 25 % slower with it",
        "changed: nccl_version 2.27.3 -> 2.28.9 on node-7",
        "latency_p50_us 100.0 -> 125.0 us (25 % slower, score 9.0, tonight 126.0 125.0 124.0)",
        "next: commbench locate --hosts node-7,node-8",
    ):
        assert words in text


def test_a_green_night_is_one_line() -> None:
    assert table(cases.green()) == "# night 2026-01-25 of lab: green: 40 series judged\n"


def test_learning_says_which_night_of_how_many() -> None:
    learning = cases.verdict(
        outcome=Outcome.LEARNING, incidents=(), suspects=(), judged=0, learning=(Learning(cases.series(), 6, 20),)
    )
    assert "learning: night 7 of 20" in table(learning)


def test_long_lists_are_counted_and_not_cut_off_in_silence() -> None:
    many = replace(cases.incident(), members=tuple(map(cases.member, range(60))))
    assert "and 55 more" in table(cases.verdict(incidents=(many,)))


@pytest.mark.parametrize("verdict", [cases.verdict(), cases.green(), cases.evil()], ids=["red", "green", "evil"])
def test_junit_has_only_what_its_schema_knows_and_counts_right(verdict: NightVerdict) -> None:
    root = ET.fromstring(junit(verdict))
    for element in root.iter():
        assert set(element.attrib) <= JUNIT[element.tag]
    (suite,) = root
    for result, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert int(suite.attrib[name]) == len(root.findall(f".//{result}"))
    assert int(suite.attrib["tests"]) == len(root.findall(".//testcase"))
    assert int(suite.attrib["failures"]) == sum(each.is_red for each in verdict.incidents) + len(verdict.faults)


@pytest.mark.parametrize("outcome", [Outcome.MISSING, Outcome.LEARNING])
def test_a_night_that_was_not_judged_is_no_passed_test(outcome: Outcome) -> None:
    root = ET.fromstring(junit(cases.verdict(outcome=outcome, incidents=(), judged=0)))
    (case,) = root.iter("testcase")
    assert [each.tag for each in case] == ["skipped" if outcome is Outcome.LEARNING else "error"]


def test_a_muted_or_recovering_incident_fails_no_build() -> None:
    for change in ({"is_muted": True}, {"state": State.RECOVERING}):
        quiet = replace(cases.incident(), **change)
        root = ET.fromstring(junit(cases.verdict(outcome=Outcome.OK, incidents=(quiet,))))
        assert not root.findall(".//failure")


@pytest.mark.parametrize("verdict", [cases.verdict(), cases.green(), cases.evil()], ids=["red", "green", "evil"])
def test_metrics_are_openmetrics_in_base_units(verdict: NightVerdict) -> None:
    text = openmetrics(cases.lines(verdict))
    found = samples(text)
    assert text.endswith("# EOF\n")
    (red,) = (value for labels, value in found["commbench_nightly_outcome"] if labels["outcome"] == "regression")
    assert red == float(verdict.is_red)
    times = found["commbench_nightly_latency_seconds"]
    assert {labels["series_id"]: value for labels, value in times}[f"{100:016x}"] == pytest.approx(100e-6)
    worst = {labels["scope"]: value for labels, value in found["commbench_nightly_slowdown_ratio"]}
    assert worst["fabric"] == (1.25 if verdict.is_red else 1.0)


def test_labels_of_metrics_name_no_incident_and_no_run_and_are_bounded() -> None:
    verdict = cases.verdict()
    text = openmetrics(cases.lines(verdict, count=MOST_SERIES + 5))
    assert verdict.incidents[0].incident_id not in text
    assert not any(f'"{run_id}"' in text for run_id in verdict.run_ids)
    found = samples(text)
    assert len(found["commbench_nightly_latency_seconds"]) == MOST_SERIES
    assert found["commbench_nightly_series_left_out"][0][1] == 7  # 5 and the two of the incident


def test_json_is_strict_and_whole() -> None:
    document = json.loads(as_json(cases.verdict()), parse_constant=pytest.fail)
    assert document["is_red"] is True
    assert document["outcome"] == "regression"
    assert document["incidents"][0]["members"][0]["measured_us"] == [126.0, 125.0, 124.0]
    assert document["night"] == {"label": "2026-01-25", "started_at": "2026-01-25T02:00:00+00:00"}
    assert document["rule"]["least_nights"] == 20


def test_a_webhooks_text_mentions_nobody() -> None:
    message = json.loads(webhook(cases.evil()))
    assert "<" not in message["text"]
    assert message["incidents"][0]["suspect"] == cases.EVIL
    assert json.loads(webhook(cases.verdict()))["text"].count("node-7") == 1


def test_markdown_escapes_what_others_named() -> None:
    text = markdown(cases.evil())
    assert "<script>" not in text
    assert "\x1b" not in text
    columns = {len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line.startswith("|")}
    assert len(columns) == 1


def test_the_terminal_gets_no_control_characters() -> None:
    assert all(letter.isprintable() or letter == "\n" for letter in table(cases.evil()))


def test_the_page_has_one_script_and_no_handlers_whatever_things_are_called() -> None:
    text = page(cases.lines(cases.evil()))
    tags = Tags()
    tags.feed(text)
    assert (tags.scripts, tags.handlers) == (1, 0)
    assert "default-src 'none'" in text


def test_the_page_loads_nothing_and_stays_light_with_600_series() -> None:
    text = page(cases.lines(cases.verdict(), count=600, nights=120))
    assert not re.search(r"(?:src|href)\s*=|url\(|@import", text)
    assert text.count("<figure") == 602
    assert len(text) < 4_000_000


def test_the_page_puts_the_series_of_incidents_first_and_then_the_most_troubled() -> None:
    text = page(cases.lines(cases.verdict(), count=3))
    figures = re.findall(r"<figure.*?</figure>", text, flags=re.DOTALL)
    assert ["class=red" in each for each in figures] == [True, True, False, False, False]
    assert "+0.2 sd" in figures[2]
    assert "+0.0 sd" in figures[4]
    assert all('class="spell"' in each for each in figures[:2])
    assert not any('class="spell"' in each for each in figures[2:])


def test_a_missing_night_is_a_gap_in_the_line() -> None:
    text = page(cases.lines(cases.green(), count=1))
    (line,) = re.findall(r'class="line" d="([^"]*)"', text)
    assert line.count("M") == 2
