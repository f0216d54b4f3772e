"""The real logs beside the repository parse to what their README says; without them this is skipped."""

from pathlib import Path

import pytest

from commbench.errors import UsageError
from commbench.importers.nccl_debug import fabric_of
from commbench.importers.parsed import Hints, ParsedRun
from commbench.importers.read import read_runs

SAMPLES = Path(__file__).parents[4] / "shared" / "samples" / "nccl"
pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"no real logs at {SAMPLES}")


def sample(start: str) -> tuple[str, list[ParsedRun]]:
    (path,) = SAMPLES.glob(f"{start}*.log")
    text = path.read_text(encoding="utf-8", errors="replace")
    return text, read_runs(text, Hints(file_name=path.name))


# Start of the name, then for each run: collective, ranks, hosts, complete rows, exit state.
RUNS = [
    ("01_superbench_a100_8gpu_old_allreduce", [("all_reduce", 8, 1, 34, "complete")]),
    ("01_superbench_a100_8gpu_old_alltoall", [("all_to_all", 8, 1, 34, "complete")]),
    ("03_dranet_2xb200", [("all_gather", 2, 2, 28, "complete")]),
    ("03_dranet_gke_16xb200", [("all_gather", 16, 2, 24, "complete")]),
    ("03_dranet_4xb200_hung", [("", 4, 2, 0, "killed")]),
    ("05_aws_2xp4de", [("all_reduce", 16, None, 29, "killed")]),
    ("06_xxrjun_2xh100_nccl_failure", [("", 2, 2, 0, "failed")]),
    ("06_xxrjun_2xh100_two", [("all_to_all", 2, 2, 10, "complete"), ("send_recv", 2, 2, 10, "complete")]),
    ("06_xxrjun_smoke", [("all_reduce", 2, 2, 5, "complete"), ("send_recv", 2, 2, 5, "complete")]),
    (
        "06_xxrjun_8xh100",
        [
            (name, 8, 1, 10, "complete")
            for name in ("all_reduce", "all_gather", "reduce_scatter", "all_to_all", "send_recv")
        ],
    ),
]


@pytest.mark.parametrize(("start", "expected"), RUNS, ids=[start for start, _ in RUNS])
def test_a_real_log_of_nccl_tests_gives_its_runs(start: str, expected: list[tuple[object, ...]]) -> None:
    _, runs = sample(start)
    names = [run.points[0].collective if run.points else "" for run in runs]
    assert [
        (name, run.world_size, run.nodes, len(run.points) // 2, run.exit_state)
        for name, run in zip(names, runs, strict=True)
    ] == expected


@pytest.mark.parametrize("start", [start for start, _ in RUNS if "hung" not in start and "failure" not in start])
def test_what_was_printed_of_a_row_agrees_with_itself(start: str) -> None:
    """The bandwidth printed is size over time, so no column was taken for another."""
    _, runs = sample(start)
    for point in (point for run in runs for point in run.points):
        printed = point.printed
        assert printed.time_us is not None
        assert printed.algbw_gb_s == pytest.approx(point.size_bytes / printed.time_us / 1e3, rel=0.002, abs=0.006)


def test_the_average_of_the_rows_is_the_footer_of_the_log() -> None:
    for start in ("01_superbench_a100_8gpu_old_allreduce", "03_dranet_gke", "06_xxrjun_8xh100"):
        for run in sample(start)[1]:
            busbw = [point.printed.busbw_gb_s for point in run.points]
            assert sum(each for each in busbw if each is not None) / len(busbw) == pytest.approx(
                float(str(run.extra["average_busbw_gb_s"])), abs=0.006
            )


def test_two_rows_of_size_zero_are_two_rows() -> None:
    _, (run,) = sample("03_dranet_2xb200")
    assert [(point.size_bytes, point.requested_bytes) for point in run.points[::2]][:3] == [(0, 8), (0, 16), (32, 32)]


def test_a_list_of_both_link_types_proves_neither_and_channels_over_one_plan_it() -> None:
    mixed, (alone,) = sample("09_azure")
    assert (fabric_of(mixed).name, alone.source) == ("unknown", "nccl-log")
    ray, _ = sample("12_ray")
    assert (fabric_of(ray).name, fabric_of(ray).verdict) == ("infiniband", "planned")


def test_prose_about_logs_is_no_log() -> None:
    with pytest.raises(UsageError, match="there is no result in it"):
        read_runs((SAMPLES / "README.md").read_text(), Hints())
