import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from commbench.errors import UsageError
from commbench.report.html import render, write_report
from commbench.report.table import show
from commbench.report.words import SIMULATED_NOTE

from .frames import environment_json, frame, lost, mixed, point, run, runs


class Reader(HTMLParser):
    """Collects what a browser would: tags with their attributes, text, and the figures."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.figures: dict[str, Any] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.lasttag != "script":
            self.texts.append(data)
        elif self.tags[-1][1].get("id") == "figures" and data.startswith("{"):
            self.figures = json.loads(data)

    @property
    def text(self) -> str:
        return " ".join(self.texts)


def names(reader: Reader) -> set[str]:
    return {trace["name"] for figure in reader.figures.values() for trace in figure["data"]}


def test_the_page_asks_for_nothing() -> None:
    reader = Reader(render(mixed(), runs(run())))
    assert not [attrs for _, attrs in reader.tags if attrs.keys() & {"src", "href", "action", "srcset", "data"}]
    assert {tag for tag, _ in reader.tags}.isdisjoint({"link", "img", "iframe", "object", "base", "form"})
    policy = next(attrs["content"] for tag, attrs in reader.tags if attrs.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "connect-src" not in policy


def test_plotly_is_there_once() -> None:
    assert render(mixed(), runs(run())).count("plotly.js v") == 1


def test_names_from_elsewhere_stay_text() -> None:
    bad = "<script>alert(1)</script>"
    points = frame(
        point(cluster=bad, suite=bad, fabric=bad, run_id=bad),
        lost(1, "error", f"rank 1 | {bad}", run_id=bad),
        point(2, run_id="other"),
    )
    page = render(points, runs(run(run_id=bad, suite=bad, suite_toml=f"# </pre>{bad}", argv=[bad], launcher=bad,
                                   reason=bad, environment_json=environment_json(bad))))  # fmt: skip
    reader = Reader(page)
    assert "<script>alert" not in page
    assert sum(tag == "script" for tag, _ in reader.tags) == 3
    assert reader.text.count("alert(1)") > 8
    assert any("&lt;script&gt;" in name for name in names(reader)), "plotly decodes entities and draws text"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"hosts": 3}', '{"hosts": [3]}'])
def test_an_unreadable_environment_is_said(text: str) -> None:
    assert "cannot be read" in render(mixed(), runs(run(environment_json=text)))


def test_environment_is_a_readable_table() -> None:
    text = Reader(render(mixed(), runs(run()))).text
    for fact in ("Example CPU", "16 GiB", "/usr/lib/libnccl.so.2", "NCCL_IB_HCA=mlx5_0", "node0", "0 to 1"):
        assert fact in text


def test_charts_and_axes() -> None:
    reader = Reader(render(mixed(), runs(run())))
    assert len(reader.figures) == 2, "all_gather has no point above zero bytes"
    assert "Nothing to draw" in reader.text
    time = reader.figures["chart-1"]
    assert [trace["line"]["dash"] for trace in time["data"]] == ["solid", "dot"]
    assert time["data"][0]["x"] == [64, 4096, 8192, 64 * 2**20]
    assert [symbol == "x" for symbol in time["data"][0]["marker"]["symbol"]] == [False, True, True, False]
    assert time["layout"]["xaxis"]["type"] == time["layout"]["yaxis"]["type"] == "log"
    assert "64 B" in time["layout"]["xaxis"]["ticktext"]
    assert {"10 us", "100 us", "1 ms"} <= set(time["layout"]["yaxis"]["ticktext"])
    hover = time["data"][0]["hovertext"][1]
    for part in ("4 KiB", "p50", "p95", "p99", "worst", "of 500 calls", "algbw", "busbw", "wrong result"):
        assert part in hover


def test_lines_are_told_apart_by_what_varies() -> None:
    rows = [
        point(0, world_size=ranks, cadence=cadence, collective=name, in_place=name == "all_reduce")
        for ranks in (2, 4)
        for cadence in ("isolated", "streaming")
        for name in ("all_reduce", "all_gather")
    ]
    reader = Reader(render(frame(*rows), runs(run())))
    shown = {name for name in names(reader) if "worst" not in name}
    assert shown == {f"{ranks} ranks, gloo, {cadence}" for ranks in (2, 4) for cadence in ("isolated", "streaming")}
    looks = {
        (trace["name"], trace["line"]["color"], trace["marker"]["symbol"][0].removesuffix("-open"))
        for figure in reader.figures.values()
        for trace in figure["data"]
    }
    assert len(looks) == 8, "a line looks the same in every chart"


def test_several_runs_are_named() -> None:
    reader = Reader(render(frame(point(run_id="run-a"), point(run_id="run-b")), runs(run(), run(run_id="run-c"))))
    assert {"2 ranks, gloo, run-a", "2 ranks, gloo, run-b"} <= names(reader)
    assert "run-c" not in reader.text, "a run without points here is none of this report's business"


def test_simulated_is_loud() -> None:
    reader = Reader(render(mixed().assign(backend="simulated", is_simulated=True), runs(run())))
    assert SIMULATED_NOTE in reader.text
    assert ("p", {"class": "banner"}) in reader.tags
    assert all("simulated" in name for name in names(reader))
    assert SIMULATED_NOTE not in render(mixed(), runs(run()))


def test_simulated_by_flag_alone_is_marked_too() -> None:
    reader = Reader(render(frame(point(is_simulated=True)), runs(run())))
    assert all("simulated" in name for name in names(reader))


def test_summary_and_problems() -> None:
    text = re.sub(r"\s+", " ", Reader(render(mixed(), runs(run()))).text)
    assert "1.000 GB/s at 64 MiB" in text
    assert "8.25 us at 64 B" in text
    assert "3 times p50, n = 500" in text
    assert "Worst outlier: the longest of n calls" in text
    order = [text.index(word) for word in ("wrong result: 4", "error: rank 1", "timeout: rank 3", "skipped: 4096")]
    assert order == sorted(order)
    assert "None: every point was measured" in render(frame(point()), runs(run()))
    assert "1 point stopped at a limit" in render(frame(point(converged=False)), runs(run()))


@pytest.mark.parametrize(("cluster", "said"), [("lab", "Measured on lab, 2026"), ("", "Measured 2026")])
def test_where_and_when(cluster: str, said: str) -> None:
    assert said in render(frame(point(cluster=cluster)), runs(run()))


def test_points_without_their_runs() -> None:
    assert "no record of the runs" in render(mixed(), runs())


def test_one_rank_has_no_bus_bandwidth() -> None:
    reader = Reader(render(frame(point(world_size=1, busbw_gb_s=0.0)), runs(run())))
    assert len(reader.figures) == 1


def test_nothing_to_report() -> None:
    with pytest.raises(UsageError, match="no points to report; measure some"):
        render(frame(), runs())


def test_nowhere_to_write(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be written to .*No such file"):
        write_report(mixed(), runs(run()), tmp_path / "absent" / "report.html")


def test_written_as_rendered(tmp_path: Path) -> None:
    write_report(mixed(), runs(run()), tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == render(mixed(), runs(run()))


def numbers(page: str) -> list[dict[str, str]]:
    """Return the rows of the tables with all numbers, by their titles."""
    found = []
    for table in re.findall(r"<details><summary>All numbers of .*?</details>", page, re.DOTALL):
        titles, *rows = (re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in table.split("<tr>")[1:])
        found += [dict(zip(map(unescape, titles), map(unescape, row), strict=True)) for row in rows]
    return found


def test_the_table_says_of_each_point_what_show_says_and_what_the_ranks_waited_for_each_other() -> None:
    points = frame(point(latency_p50_us=20.0, makespan_p50_us=31.0, skew_p50_us=12.0, time_mean_us=25.0))
    points = points.assign(**{f"time_{name}_us": 7000.0 for name in ("p50", "p95", "p99", "max")})
    (row,) = numbers(render(points, runs(run())))
    assert [row[f"{name} (us)"] for name in ("p50", "p95", "p99", "worst")] == ["20.00", "30.00", "40.00", "60.00"]
    assert [row[f"{name} (us)"] for name in ("T p50", "S p50", "mean")] == ["31.00", "12.00", "25.00"]


def test_an_imported_row_has_every_number_that_show_has_of_it() -> None:
    points = frame(point(source="osu", printed_time_us=41.5, algbw_mean_gb_s=2.0, busbw_mean_gb_s=3.0))
    unknown = [f"latency_{name}_us" for name in ("p50", "p95", "p99", "max")]
    points = points.assign(**dict.fromkeys([*unknown, "algbw_gb_s", "busbw_gb_s"], float("nan")))
    (row,) = numbers(render(points, runs(run())))
    assert [row[name] for name in ("mean (us)", "algbw", "busbw", "p50 (us)")] == ["41.50", "2.000", "3.000", ""]
    assert all(row[name] in show(points) for name in ("mean (us)", "algbw", "busbw"))


def test_the_page_says_how_a_call_is_timed_and_when_it_is_checked() -> None:
    text = Reader(render(mixed(), runs(run()))).text
    for words in ("T = S + L", "stamps on one clock", "before and after the timed ones, and on a share of the timed"):
        assert words in text


@pytest.mark.parametrize(
    ("calls", "cell", "hover"),
    [(298, "-", "p99 -"), (299, "<=30.00", "p99 &lt;=30 us"), (368, "20.00", "p99 20 us")],
)
def test_table_and_chart_claim_no_p99_that_the_calls_do_not_know(calls: int, cell: str, hover: str) -> None:
    page = render(frame(point(latency_p50_us=10.0, iterations=calls)), runs(run()))
    (row,) = numbers(page)
    assert row["p99 (us)"] == cell
    assert hover in Reader(page).figures["chart-1"]["data"][0]["hovertext"][0].split("<br>")[1]


def test_the_worst_case_has_its_n_and_the_chance_of_a_slower_call_beside_it() -> None:
    (row,) = numbers(render(frame(point(latency_p50_us=10.0, iterations=299)), runs(run())))
    assert [row[name] for name in ("worst (us)", "n", "P(>worst)")] == ["30.00", "299", "1%"]
    (none,) = numbers(render(frame(lost(0, "error", "gone")), runs(run())))
    assert (none["worst (us)"], none["P(>worst)"]) == ("", "")


def test_slow_calls_are_named_with_their_rank_and_their_length() -> None:
    largest = [{"blame": "arrival: rank 3, 20 ms", "call": 60}, {"blame": "transport, 2 ms", "call": 140}]
    told: dict[str, Any] = {"events_arrival": 7, "events_transport": 1, "stragglers": "3", "verified_calls": 15}
    late = point(**told, worst_events_json=json.dumps(largest))
    text = Reader(render(frame(late, point(1, size_bytes=4096)), runs(run()))).text
    slow = text.partition("Slow calls")[2].partition("A slow call is")[0]
    assert "arrival: rank 3, 20 ms (call 60); transport, 2 ms (call 140)" in slow
    assert slow.split().count("15") == 1, "only the point that has slow calls is listed"


def test_where_nothing_was_slow_the_page_says_so() -> None:
    quiet: dict[str, Any] = {"events_arrival": 0, "events_host": 0, "events_transport": 0, "stragglers": ""}
    text = Reader(render(frame(point(**quiet)), runs(run()))).text
    assert "None, and no rank was last more often than chance allows." in text
