import json

import pandas as pd
import pytest

from commbench.analysis.launches import across_launches
from commbench.analysis.stability import stability


def rows(*p50s: float, status: str = "ok", series: str = "a") -> pd.DataFrame:
    """Return one row per launch of one series."""
    return pd.DataFrame(
        {
            "run_id": "r",
            "series_id": series,
            "requested_bytes": 64,
            "point_id": range(len(p50s)),
            "launch_index": range(len(p50s)),
            "status": status,
            "latency_p50_us": p50s,
            "latency_p50_low_us": [0.9 * each for each in p50s],
            "latency_p50_high_us": [1.1 * each for each in p50s],
            "latency_p99_low_us": None,
            "latency_p99_high_us": None,
            "latency_max_us": [10 * each for each in p50s],
            "iterations": 300,
            "purpose": "nightly",
            "others_share": 0.1,
            "steal_share": 0.02,
            "throttled_s": 0.5,
            "converged": True,
            "is_steady": True,
        }
    )


def test_the_launches_median_stands_for_a_series_with_their_range_and_the_worst_of_all() -> None:
    (row,) = across_launches(rows(10.0, 14.0, 11.0)).to_dict("records")
    assert (row["latency_p50_us"], row["launch_low_us"], row["launch_high_us"]) == (11.0, 10.0, 14.0)
    assert (row["launches"], row["iterations"], row["latency_max_us"]) == (3, 900, 140.0)
    assert pd.isna(row["latency_p50_low_us"]), "an interval within one launch says nothing of the next"


def test_launches_further_apart_than_their_own_intervals_are_flagged() -> None:
    assert across_launches(rows(10.0, 14.0, 7.0))["launch_variance"].tolist() == [True]
    assert across_launches(rows(10.0, 10.5, 9.8))["launch_variance"].tolist() == [False]


def test_one_launch_keeps_its_row() -> None:
    (row,) = across_launches(rows(10.0)).to_dict("records")
    assert (row["launches"], row["latency_p50_us"], row["latency_p50_low_us"]) == (1, 10.0, 9.0)


def test_a_series_converged_only_if_every_launch_did() -> None:
    points = rows(10.0, 10.0)
    points.loc[1, "converged"] = False
    assert across_launches(points)["converged"].tolist() == [False]


def test_what_went_wrong_stays_a_row_of_its_own_and_other_series_are_not_mixed_in() -> None:
    points = pd.concat([rows(10.0, 12.0), rows(99.0, status="wrong_result"), rows(20.0, series="b")])
    together = across_launches(points)
    assert sorted(zip(together["series_id"], together["status"], together["launches"], strict=True)) == [
        ("a", "ok", 2),
        ("a", "wrong_result", 1),
        ("b", "ok", 1),
    ]


def test_an_empty_frame_stays_empty() -> None:
    assert across_launches(rows()).empty


def test_stability_names_crowded_cores_other_tenants_and_launches_that_disagree() -> None:
    hosts = [{"ranks": [0, 1, 2, 3], "cpu_count": 2}, {"ranks": [4], "cpu_count": 8}]
    runs = pd.DataFrame({"backend": ["gloo"], "environment_json": [json.dumps({"hosts": hosts})]})
    found = stability(across_launches(rows(10.0, 14.0, 10.0)), runs)
    assert (found.ranks_per_core, found.others_share) == (2.0, 0.1)
    assert (found.steal_share, found.throttled_s) == (0.02, 0.5)
    assert not found.lacks_launches
    assert stability(across_launches(rows(10.0, 14.0)), runs).lacks_launches
    assert found.launch_spread == pytest.approx(0.4)
    assert found.converged
    assert found.is_steady


def test_a_p99_of_launches_knows_how_many_calls_each_had_and_the_worst_case_those_of_all() -> None:
    (row,) = across_launches(rows(10.0, 12.0, 11.0).assign(iterations=[300, 100, 200])).to_dict("records")
    assert (row["iterations"], row["fewest_iterations"]) == (600, 100)
    assert row["exceed_probability"] == pytest.approx(1 - 0.05 ** (1 / 600))
    (one,) = across_launches(rows(10.0)).to_dict("records")
    assert one["fewest_iterations"] == 300
