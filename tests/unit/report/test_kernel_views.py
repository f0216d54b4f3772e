"""The kernel benchmark's views: what is missing is said to be missing, and nothing that is stored becomes markup."""

import json

import pandas as pd
import pytest

from commbench.analysis.kernel_targets import targets
from commbench.errors import UsageError
from commbench.report.kernel_section import kernel_section, roofline
from commbench.report.kernel_table import kernel_table
from commbench.report.page import page

HOSTILE = "<script>alert(1)</script>\x1b[31m"


def row(case_id: int, **given: object) -> dict[str, object]:
    nothing = dict.fromkeys(("device_time_warm_us", "device_time_graph_us", "host_time_us"), None)
    return {
        "run_id": "run-0",
        "case_id": case_id,
        "gpu": "NVIDIA H200",
        "host": "host",
        "competitor": "commbench",
        "is_reimplemented": False,
        "workload": "gpt2",
        "direction": "pack",
        "tensor_dtype": "float32",
        "bucket_dtype": "bfloat16",
        "is_scaled": True,
        "tensors": 148,
        "moved_bytes": 746_638_848,
        "status": "ok",
        "error": "",
        "tuning_json": "{}",
        "iterations": 60,
        "device_time_cold_us": 180.0,
        "device_time_cold_low_us": 179.0,
        "device_time_cold_high_us": 181.0,
        "bandwidth_gb_s": 4148.0,
        "copy_gb_s": 4300.0,
        "copy_share": 0.9646,
        "time_ratio": 1.0,
        "extra_json": json.dumps({"device": "cuda", "cold_bytes": 536_870_912}),
        **nothing,
        **given,
    }


LOST = {name: None for name in row(0) if name.startswith(("device_time", "bandwidth", "copy_share", "time_ratio"))}


def test_a_case_is_a_line_with_its_numbers_and_a_wrong_one_says_so() -> None:
    wrong = row(1, competitor="peer", is_reimplemented=True, status="wrong_result", error="3 wrong elements", **LOST)
    rows = pd.DataFrame([row(0), wrong])
    text = kernel_table(rows, targets(rows))
    assert "pack float32 to bfloat16, scaled (148 tensors, 746.6 MB)" in text
    assert "rotating over 512 MiB; best plain copy 4300.0 GB/s" in text
    ours, theirs = (
        next(line for line in text.splitlines() if line.startswith(f"  {name}")) for name in ("commb", "peer")
    )
    assert "96.5%" in ours
    assert theirs.split(maxsplit=1) == ["peer*", "wrong_result: 3 wrong elements"]
    assert "share of the best copy, gpt2" in text
    assert "96.5% met" in text
    assert "NO GPU" not in text
    assert "* written again here" in text


def test_the_roofline_has_one_mark_for_each_timed_case_and_the_copy_as_its_roof() -> None:
    rows = pd.DataFrame([row(0), row(1, competitor="peer", bandwidth_gb_s=1000.0), row(2, status="skipped", **LOST)])
    figure = roofline(rows)
    assert figure is not None
    traces = figure["data"]
    assert isinstance(traces, list)
    assert [trace["y"] for trace in traces] == [[4148.0], [1000.0], [4300.0, 4300.0]]
    assert roofline(rows[rows["status"] == "skipped"]) is None


def test_no_rows_are_one_clear_message() -> None:
    with pytest.raises(UsageError, match="commbench kernel"):
        kernel_table(pd.DataFrame(), [])


def test_stored_text_never_becomes_markup_or_control_characters() -> None:
    names = ("run_id", "gpu", "host", "competitor", "workload", "tensor_dtype", "bucket_dtype", "tuning_json")
    hostile = row(1, status="error", error=HOSTILE, **LOST)
    rows = pd.DataFrame([row(0, **dict.fromkeys(names, HOSTILE)), {**hostile, **dict.fromkeys(names, HOSTILE)}])
    body, figures = kernel_section(rows, targets(rows), "kernel-roofline")
    assert "<script>alert" not in page("title", body, figures)
    assert "<script>alert" not in json.dumps(figures)
    assert "\x1b" not in kernel_table(rows, targets(rows))
