"""OSU micro-benchmarks: what they print is kept, and none of it passes as the time of a call."""

from pathlib import Path

import pytest

from commbench.errors import UsageError
from commbench.importers import osu
from commbench.importers.parsed import Hints

TEXT = (Path(__file__).parents[2] / "fixtures" / "importers" / "osu.txt").read_text()


def test_each_collective_of_a_file_is_a_run_and_other_tests_are_left_out() -> None:
    runs = osu.parse(TEXT, Hints())
    assert [(run.points[0].collective, run.world_size, len(run.points)) for run in runs] == [
        ("all_reduce", 4, 2),
        ("all_to_all", 4, 2),
    ]


def test_the_average_is_a_mean_over_ranks_and_the_extremes_of_means_are_only_kept_as_printed() -> None:
    large = osu.parse(TEXT, Hints())[0].points[1]
    assert large.times == {"elapsed_mean_us": 98.70}
    assert large.extra["Max Latency(us)"] == 99.42
    assert (large.iterations, large.printed.digits, large.count, large.dtype) == (100, 4, 262144, "float32")


def test_a_part_for_each_rank_becomes_the_size_of_the_whole() -> None:
    _, exchange = osu.parse(TEXT, Hints())
    assert [point.size_bytes for point in exchange.points] == [4, 4096]
    assert [point.extra["printed_size_bytes"] for point in exchange.points] == [1, 1024]
    assert exchange.points[0].iterations is None


def test_without_a_command_line_the_ranks_must_be_told() -> None:
    alone = TEXT[TEXT.index("# OSU MPI Allreduce") : TEXT.index("$ mpirun -np 4 ./osu_alltoall")]
    with pytest.raises(UsageError, match="add --ranks N"):
        osu.parse(alone, Hints())
    (run,) = osu.parse(alone, Hints(world_size=8))
    assert run.world_size == 8


@pytest.mark.parametrize("title", ["OSU MPI Broadcast Latency Test v3.1", "# OSU MPI-CUDA Broadcast Latency Test v7.0"])
@pytest.mark.parametrize(
    "columns", ["# Size          Latency (us)", "# Size       Avg Latency(us)", "Size  Latency(us)"]
)
def test_titles_and_columns_of_all_ages_are_known(title: str, columns: str) -> None:
    (run,) = osu.parse(f"{title}\n{columns}\n8   1.25\n", Hints(world_size=2))
    assert [(point.size_bytes, point.printed.time_us) for point in run.points] == [(8, 1.25)]


def test_percentiles_and_validation_are_read_by_their_titles() -> None:
    columns = "# Size  Avg Latency(us)  Min Latency(us)  Max Latency(us)  Iterations  Validation  P50 Tail Lat(us)"
    rows = "8  1.5  1.0  2.0  100  Pass  1.4\n16  1.5  1.0  2.0  100  Fail  1.4"
    (run,) = osu.parse(f"# OSU NCCL Allreduce Latency Test v7.4\n{columns}\n{rows}\n", Hints(world_size=2))
    assert (run.backend, run.exit_state) == ("nccl", "wrong_result")
    assert [(point.status, point.wrong_count) for point in run.points] == [("ok", 0), ("wrong_result", None)]
    assert run.points[0].extra["P50 Tail Lat(us)"] == 1.4


def test_a_title_without_rows_is_a_run_that_was_killed() -> None:
    (run,) = osu.parse("# OSU MPI Allreduce Latency Test v7.4\n", Hints(world_size=2))
    assert (run.points, run.exit_state) == ((), "killed")


def test_other_tests_are_named() -> None:
    with pytest.raises(UsageError, match="no latency test of a collective"):
        osu.parse("# OSU MPI Bandwidth Test v7.4\n# Size      Bandwidth (MB/s)\n1  2.32\n", Hints(world_size=2))
