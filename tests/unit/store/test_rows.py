import json
import math
from dataclasses import astuple, replace
from typing import Any

import numpy as np
import pytest

from commbench.errors import StoreError
from commbench.measure.stopping import stopping_rule
from commbench.model.evidence import Evidence
from commbench.model.plan import Stopping
from commbench.model.result import Correctness, Status
from commbench.statistics.looks import CORRECTED_ALPHA
from commbench.statistics.woodruff import cluster_interval
from commbench.store import identity
from commbench.store.protocol_rows import taken_apart
from commbench.store.rows import point_rows, run_row
from commbench.store.tables import tables

from .factory import CALLS, lost_result, make_point, make_record, make_result, make_samples, wrong_result


def test_bandwidths_are_those_of_nccl_tests() -> None:
    point = make_point(collective="all_reduce", requested_bytes=4_000_000, world_size=4)
    (row,) = point_rows(make_record("r", make_result(point, samples=make_samples(ranks=4))))
    p50_us, mean_us = row["latency_p50_us"], row["time_mean_us"]
    assert isinstance(p50_us, float)
    assert isinstance(mean_us, float)
    assert row["algbw_gb_s"] == pytest.approx(4_000_000 / 1e9 / (p50_us / 1e6))
    assert row["busbw_gb_s"] == pytest.approx(4_000_000 / 1e9 / (p50_us / 1e6) * 1.5)
    assert row["busbw_mean_gb_s"] == pytest.approx(4_000_000 / 1e9 / (mean_us / 1e6) * 1.5)


def test_a_time_of_zero_has_no_bandwidth() -> None:
    enter_ns = make_samples().enter_ns
    (row,) = point_rows(make_record("r", make_result(samples=replace(make_samples(), exit_ns=enter_ns))))
    assert row["time_p50_us"] == 0.0
    assert row["busbw_gb_s"] is None
    assert row["busbw_mean_gb_s"] is None


def test_a_lost_point_has_no_times_and_no_verdict() -> None:
    (row,) = point_rows(make_record("r", lost_result(make_point())))
    assert (row["status"], row["error"], row["iterations"]) == ("error", "rank 1 died", 0)
    assert row["converged"] is False
    unmeasured = ("time_p50_us", "time_std_us", "algbw_gb_s", "busbw_mean_gb_s", "wrong_count", "timer_resolution_ns")
    assert {row[name] for name in unmeasured} == {None}


def test_the_first_wrong_element_is_named() -> None:
    wrong, right = point_rows(make_record("r", wrong_result(make_point(0)), make_result(make_point(1))))
    names = ("wrong_count", "wrong_rank", "wrong_index", "wrong_expected", "wrong_got")
    assert [wrong[name] for name in names] == [3, 1, 7, 2.0, 5.0]
    assert [right[name] for name in names] == [0, None, None, None, None]


def test_an_unchecked_result_is_not_called_right() -> None:
    record = make_record()
    plan = replace(record.plan, protocol=replace(record.plan.protocol, verify=False))
    assert {row["wrong_count"] for row in point_rows(replace(record, plan=plan))} == {None}


def test_wrong_elements_found_before_an_error_are_kept() -> None:
    result = replace(lost_result(make_point()), correctness=Correctness(1, 0, 0, math.nan, 1.0))
    (row,) = point_rows(make_record("r", result))
    assert row["wrong_count"] == 1


def test_series_ids_are_equal_for_comparable_points_only() -> None:
    point = make_point(0)
    same = {identity.series_id(other, "lab") for other in (point, make_point(7), make_point(requested_bytes=1027))}
    assert len(same) == 1
    assert len(same.pop()) == 16
    changes: dict[str, Any] = {
        "collective": "broadcast",
        "size_bytes": 8,
        "dtype": "int32",
        "redop": "max",
        "world_size": 4,
    }
    changes |= {"nodes": 2, "in_place": True, "backend": "nccl", "fabric": "ib", "cadence": "c", "launch": "graph"}
    others = [replace(point, **{name: value}) for name, value in changes.items()]
    others.append(replace(point, traffic_skew=1.0))
    assert (
        len({identity.series_id(other, "lab") for other in [point, *others]} | {identity.series_id(point, "x")}) == 14
    )


def test_series_ids_never_change() -> None:
    # History is joined on this value: if it changes, every trend line breaks in two.
    assert identity.series_id(make_point(), "lab") == "b14e30cde3e42529"
    assert identity.series_id(make_point(traffic_skew=0), "lab") == "b14e30cde3e42529"


def test_placement_and_source_make_another_series() -> None:
    point = make_point()
    ids = [identity.series_id(point, "lab", source) for source in ("commbench", "osu", "param")]
    ids += [identity.series_id(replace(point, placement=placement), "lab") for placement in ("spread", "strided")]
    assert len(set(ids)) == 5
    assert ids[0] == identity.series_id(replace(point, block=3), "lab")


def test_evidence_of_the_fabric_is_kept_and_its_absence_is_null() -> None:
    evidence = Evidence("proven", "tx 1.01 of expected", 2**40, 1.01, '{"a":1}', 400.0, "ring", "ll128")
    record = make_record(
        "r",
        make_result(make_point(0), evidence=evidence),
        make_result(make_point(1), evidence=replace(evidence, verdict="unknown")),
        make_result(make_point(2)),
    )
    proven, _, unseen = point_rows(record)
    names = ("fabric_verdict", "fabric_reason", "expected_bytes", "moved_share", "fabric_counters_json")
    others = ("link_rate_gbit_s", "algorithm", "protocol")
    assert [proven[name] for name in names + others] == list(astuple(evidence))
    assert [unseen[name] for name in names + others] == [None] * 6 + ["", ""]
    assert run_row(record)["fabric_verdict"] == "unknown"
    assert run_row(make_record())["fabric_verdict"] is None


def test_a_row_names_its_hosts_once_in_the_order_of_their_ranks() -> None:
    results = (make_result(make_point(0), hosts=("b", "a", "b")), make_result(make_point(1), hosts=()))
    assert [row["hosts"] for row in point_rows(make_record("r", *results))] == [["b", "a"], None]


def test_a_row_says_who_measured_it_and_in_which_job() -> None:
    record = make_record("r", make_result(), scheduler="slurm", job_id="4711", argv=("commbench", "--token", "hunter2"))
    row = run_row(record)
    assert (row["source"], row["source_digest"], row["scheduler"], row["job_id"]) == ("commbench", "", "slurm", "4711")
    assert row["argv"] == ["commbench", "--token", "***"]
    assert {row["source"] for row in point_rows(record)} == {"commbench"}


@pytest.mark.parametrize(
    ("rule", "alpha"),
    [
        (Stopping("fixed", iterations=400), 0.05),
        (Stopping("budget", budget_s=1.0), 0.05),
        (Stopping("adaptive", epsilon=0.02), CORRECTED_ALPHA),
    ],
    ids=lambda each: each.rule if isinstance(each, Stopping) else "",
)
def test_the_stored_interval_pays_for_the_looks_of_the_rule_that_ended_the_point(rule: Stopping, alpha: float) -> None:
    samples, visit_calls = make_samples(calls=400), (20,) * 20
    result = make_result(samples=samples, visit_calls=visit_calls, stopping=stopping_rule(rule).name)
    (row,) = point_rows(make_record("r", result))
    visits = np.split(taken_apart(result, samples).headline_ns, len(visit_calls))
    interval = cluster_interval(visits, alpha=alpha)
    assert interval is not None
    assert (row["latency_p50_low_us"], row["latency_p50_high_us"]) == (interval.low / 1000, interval.high / 1000)
    other = cluster_interval(visits, alpha=0.05 if alpha == CORRECTED_ALPHA else CORRECTED_ALPHA)
    assert other is not None
    assert other.low != interval.low


def test_the_worst_twentieth_of_the_calls_is_one_number() -> None:
    (row,) = point_rows(make_record("r", make_result(samples=make_samples(calls=40), visit_calls=(40,))))
    slowest = row["latency_max_us"]
    assert isinstance(slowest, float)
    assert isinstance(row["latency_worst5_mean_us"], float)
    assert row["latency_p95_us"] <= row["latency_worst5_mean_us"] < slowest  # type: ignore[operator] # floats, both


def test_stray_bytes_of_a_command_line_are_stored() -> None:
    record = make_record("r", make_result(hosts=("caf\udce9", "b")), argv=("commbench", "caf\udce9.toml"))
    stored = tables(record)
    assert stored["runs"]["argv"].to_pylist() == [["commbench", "caf\\udce9.toml"]]
    assert stored["ranks"]["host"].to_pylist() == ["caf\\udce9", "b"]
    assert stored["points"]["hosts"].to_pylist() == [["caf\\udce9", "b"]]


def test_simulated_results_say_so() -> None:
    rows = point_rows(make_record("r", make_result(make_point(0, backend="simulated")), make_result(make_point(1))))
    assert [row["is_simulated"] for row in rows] == [True, False]


def test_the_run_row_counts_final_points_and_keeps_the_environment() -> None:
    point = make_point(0)
    results = (lost_result(point), make_result(point, attempt=1), lost_result(make_point(1)))
    row = run_row(make_record("r", *results))
    assert (row["points_planned"], row["points_final"]) == (2, 1)
    assert json.loads(str(row["environment_json"]))["hosts"][0]["variables"] == {"OMP_NUM_THREADS": "1"}
    assert row["env_id"] == identity.env_id(str(row["environment_json"]))


def test_samples_have_a_row_per_rank_and_one_for_the_call() -> None:
    result = make_result(hosts=("node-a",))  # the other rank's host is unknown
    rows = tables(make_record("r", result, lost_result(make_point(1))))["samples"].to_pylist()
    assert result.samples is not None
    assert [row["rank"] for row in rows] == [-1, 0, 1]
    assert [row["host"] for row in rows] == [None, "node-a", None]
    assert rows[0]["time_ns"] == result.samples.time_ns.tolist()
    assert [row["time_ns"] for row in rows[1:]] == result.samples.rank_time_ns.tolist()
    assert [row["enter_ns"] for row in rows] == [[], *result.samples.enter_ns.tolist()]
    assert len(rows[0]["time_ns"]) == CALLS


def test_the_content_hash_is_that_of_the_rows() -> None:
    hashes = {name: identity.content_hash(table) for name, table in tables(make_record()).items()}
    again = {name: identity.content_hash(table) for name, table in tables(make_record()).items()}
    assert hashes == again
    other = make_record("run-1", make_result(make_point(0), samples=make_samples(99)))
    assert identity.content_hash(tables(other)["samples"]) != hashes["samples"]


def test_the_same_attempt_twice_is_refused() -> None:
    with pytest.raises(StoreError, match="attempt 0 at point 0 twice"):
        tables(make_record("r", make_result(), make_result(status=Status.TIMEOUT)))


def test_above_the_limit_ranks_keep_a_histogram_and_whole_calls_stay_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    record = make_record("r", make_result())
    exact = tables(record)["samples"].to_pylist()
    monkeypatch.setattr("commbench.store.tables.EXACT_STAMPS", 1)
    sketched = tables(record)["samples"].to_pylist()
    assert sketched[0] == exact[0]
    assert [len(row["time_ns"]) for row in sketched[1:]] == [0, 0]
    assert [len(row["hist_bin"]) for row in exact] == [0, 0, 0]
    for before, after in zip(exact[1:], sketched[1:], strict=True):
        assert sum(after["hist_count"]) == len(before["time_ns"])
        middle = sorted(before["time_ns"])[(len(before["time_ns"]) - 1) // 2]
        spread = [
            edge for edge, count in zip(after["hist_bin"], after["hist_count"], strict=True) for _ in range(count)
        ]
        assert 1.02 ** (spread[(len(spread) - 1) // 2] - 0.5) == pytest.approx(middle, rel=0.0101)
