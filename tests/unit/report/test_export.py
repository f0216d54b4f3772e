import io
import json

import pandas as pd
import pytest

from commbench.errors import UsageError
from commbench.report.export import FORMATS, export

from .frames import frame, mixed, point


def test_csv_keeps_every_digit() -> None:
    points = mixed()
    back = pd.read_csv(
        io.StringIO(export(points, "csv")), parse_dates=["started_at"], keep_default_na=False, na_values=[""]
    )
    assert list(back.columns) == list(points.columns)
    for name in ("latency_p50_us", "busbw_gb_s", "size_bytes", "wrong_count", "wrong_got"):
        pd.testing.assert_series_equal(back[name].astype(float), points[name].astype(float), check_exact=True, obj=name)
    assert back["started_at"].tolist() == points["started_at"].tolist()
    assert back["error"].fillna("").tolist()[3] == points["error"][3]


def test_json_is_strict_and_complete() -> None:
    points = mixed()
    points.loc[1, "first_call_us"] = float("inf")

    def refuse(word: str) -> None:
        pytest.fail(f"{word} is no JSON")

    records = json.loads(export(points, "json"), parse_constant=refuse)
    assert [list(record) for record in records] == [list(points.columns)] * len(points)
    assert records[0]["started_at"] == "2026-01-02T03:04:05.678901+00:00"
    assert records[0]["latency_p50_us"] == 8.25
    assert records[0]["in_place"] is True
    assert records[0]["wrong_rank"] is None
    assert records[1]["first_call_us"] is None
    assert (records[2]["wrong_count"], records[2]["wrong_got"]) == (4, 5.0)
    assert isinstance(records[2]["wrong_count"], int)
    assert records[3]["latency_p50_us"] is None
    assert records[5]["error"] == points["error"][5]


def test_markdown_escapes_what_would_break_the_table() -> None:
    text = export(frame(point(error="a|b <img src=x> [c](d) `e`\nf", status="error")), "markdown")
    head, rule, row = text.splitlines()
    assert head.count(" | ") == rule.count(" | ")
    assert row.endswith(r"| error | a\|b &lt;img src=x&gt; \[c\](d) \`e\` f |")


@pytest.mark.parametrize("fmt", FORMATS)
def test_nothing_to_export(fmt: str) -> None:
    with pytest.raises(UsageError, match="no points to report"):
        export(frame(), fmt)


def test_unknown_format() -> None:
    with pytest.raises(UsageError, match="no export format 'xml'; there are csv, json, markdown"):
        export(mixed(), "xml")


@pytest.mark.parametrize(("calls", "said"), [(298, "-"), (299, "&lt;=30.0"), (368, "20.0")])
def test_markdown_quotes_no_p99_that_the_calls_do_not_know(calls: int, said: str) -> None:
    head, rule, row = export(frame(point(latency_p50_us=10.0, iterations=calls)), "markdown").splitlines()
    assert dict(zip(head.split(" | "), row.split(" | "), strict=True))["latency_p99_us"] == said
    assert rule.count("---:") > 5


def test_csv_has_the_p99_as_stored_whatever_the_calls() -> None:
    assert "latency_p99_us" in export(frame(point(iterations=5)), "csv")
    back = pd.read_csv(io.StringIO(export(frame(point(latency_p50_us=10.0, iterations=5)), "csv")))
    assert back["latency_p99_us"].tolist() == [20.0]
