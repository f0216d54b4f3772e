"""nccl-tests' JSON: three versions, whole or cut off, and nothing of the environment."""

import json
from typing import Any

import pytest

from commbench.errors import UsageError
from commbench.importers import nccl_tests_json
from commbench.importers.parsed import Hints

SECRET = "AWS_SECRET_ACCESS_KEY=do-not-store-me"
FILE = Hints(file_name="run.json")


def half(time: float = 12.5, nwrong: float | None = 0.0) -> dict[str, Any]:
    return {"time": time, "alg_bw": 0.08192, "bus_bw": 0.08192, "nwrong": nwrong}


def per_iteration(times: list[float], skipped: int) -> dict[str, Any]:
    return {
        **({"skipped_iterations": skipped} if skipped else {}),
        "min_us": 1.0,
        "max_us": 4.0,
        "avg_us": 2.5,
        "p50_us": 3.0,
        "p95_us": 4.0,
        "p99_us": 4.0,
        "stdev_us": 1.1,
        "cv_pct": 44.7,
        "times_us": times,
    }


def document(version: int = 3, sizes: int = 3, **changes: Any) -> dict[str, Any]:
    def result(index: int) -> dict[str, Any]:
        detail = {}
        if version > 1:
            times = [9.0, 1.0, 2.0, 3.0, 4.0] if version > 2 else [1.0, 2.0, 3.0, 4.0]
            detail = {f"{place}_per_iter": per_iteration(times, version - 2) for place in ("out_of_place", "in_place")}
        named = {"size": 8 << index, "count": 2 << index, "type": "float", "redop": "sum", "root": "    -1"}
        last = {"actual_iterations": 20, "experiment_name": ""}
        return {**named, "out_of_place": half(), "in_place": half(nwrong=None), **detail, **last}

    average = {"bandwidth": 43.6, "okay": "unchecked"}
    config = {
        "nthreads": 1,
        "ngpus": 1,
        "minimum_bytes": 8,
        "maximum_bytes": 32,
        "step_factor": 2,
        "warmup_iters": 1,
        "iterations": 20,
        "aggregated_iterations": 1,
        "validation": 1,
        "graph": 0,
        "blocking_collectives": "false",
        "parallel_init": "false",
        "devices": [
            {"rank": rank, "group": 0, "pid": 1, "hostname": f"node-{rank}", "device": 0, "device_info": "NVIDIA H100"}
            for rank in range(2)
        ],
    }
    return {
        "version": version,
        "start_time": "2026-07-09 10:11:12",
        "args": ["/opt/bin/all_reduce_perf", "-J", "x.json"],
        "env": [SECRET],
        "nccl_version": 23007,
        "config": config,
        "results": [result(index) for index in range(sizes)],
        "out_of_bounds": {"count": 0, "okay": "true"},
        **({"average_bus_bandwidith": {"bandwidith": 43.6}} if version == 1 else {"average_bus_bandwidth": average}),
        "errors": [],
        "end_time": "2026-07-09 10:12:13",
    } | changes


@pytest.mark.parametrize("version", [1, 2, 3])
def test_every_version_gives_both_halves_of_every_size(version: int) -> None:
    (run,) = nccl_tests_json.parse(json.dumps(document(version)), FILE)
    assert [(point.size_bytes, point.in_place, point.wrong_count) for point in run.points[:3]] == [
        (8, False, 0),
        (8, True, None),
        (16, False, 0),
    ]
    assert (len(run.points), run.world_size, run.nodes, run.nccl_version) == (6, 2, 2, "2.30.7")
    assert {point.collective for point in run.points} == {"all_reduce"}
    assert (run.exit_state, run.warmup_iterations, run.points[0].iterations) == ("complete", 1, 20)
    assert (str(run.started_at), str(run.ended_at)) == ("2026-07-09 10:11:12", "2026-07-09 10:12:13")
    assert run.extra["json_version"] == version
    assert float(str(run.extra["average_busbw_gb_s"])) == 43.6


@pytest.mark.parametrize("version", [2, 3])
def test_times_of_single_calls_fill_their_columns_by_nearest_rank(version: int) -> None:
    (run,) = nccl_tests_json.parse(json.dumps(document(version)), FILE)
    times = run.points[0].times
    # nccl-tests' own p50 is the upper median, 3; the first call of version 3 is left out, as it was there.
    assert (times["time_p50_us"], times["time_p95_us"], times["time_min_us"]) == (2.0, 4.0, 1.0)
    assert (times["time_mean_us"], times["elapsed_mean_us"]) == (2.5, 12.5)


def test_several_calls_in_one_iteration_have_no_times_of_their_own() -> None:
    fused = document()
    fused["config"]["aggregated_iterations"] = 4
    (run,) = nccl_tests_json.parse(json.dumps(fused), FILE)
    assert (run.points[0].times, run.points[0].iterations) == ({"elapsed_mean_us": 12.5}, 80)


def test_nothing_of_the_environment_is_kept() -> None:
    (run,) = nccl_tests_json.parse(json.dumps(document()), FILE)
    assert "do-not-store-me" not in repr((run.points, run.extra, run.reason, run.hosts))


@pytest.mark.parametrize("share", [0.55, 0.7, 0.9])
def test_a_file_that_ends_too_soon_keeps_its_whole_results(share: float) -> None:
    whole = json.dumps(document(1, sizes=20))
    (run,) = nccl_tests_json.parse(whole[: int(len(whole) * share)], FILE)
    assert run.exit_state == "killed"
    assert 0 < len(run.points) < 40
    assert [point.size_bytes for point in run.points[::2]] == [8 << index for index in range(len(run.points) // 2)]


def test_infinite_and_missing_numbers_are_no_numbers() -> None:
    text = json.dumps(document(1, sizes=1)).replace('"alg_bw": 0.08192', '"alg_bw":inf').replace("12.5", '"nan"')
    (run,) = nccl_tests_json.parse(text, FILE)
    assert (run.points[0].printed.algbw_gb_s, run.points[0].printed.time_us, run.points[0].times) == (None, None, {})


def test_wrong_elements_make_the_run_wrong() -> None:
    wrong = document(out_of_bounds={"count": 1, "okay": "false"})
    wrong["results"][0]["out_of_place"]["nwrong"] = 3.0
    (run,) = nccl_tests_json.parse(json.dumps(wrong), FILE)
    assert (run.points[0].status, run.exit_state) == ("wrong_result", "wrong_result")


def test_a_version_from_the_future_is_read_as_far_as_it_is_known() -> None:
    (run,) = nccl_tests_json.parse(json.dumps(document(4) | {"version": 4, "tuning": {}}), FILE)
    assert "left out" in str(run.extra["note"])


@pytest.mark.parametrize(
    "text", ['{"nccl_version": 1, "config": {}', '{"nccl_version":1,"config":{},"results":[{"size":}]}']
)
def test_damage_is_told_in_one_message(text: str) -> None:
    with pytest.raises(UsageError, match="JSON"):
        nccl_tests_json.parse(text, FILE)


def test_a_program_that_is_not_named_must_be_told() -> None:
    unnamed = json.dumps(document(args=["python"]))
    with pytest.raises(UsageError, match="--collective NAME"):
        nccl_tests_json.parse(unnamed, FILE)
    assert nccl_tests_json.parse(unnamed, Hints(collective="broadcast"))[0].points[0].collective == "broadcast"
