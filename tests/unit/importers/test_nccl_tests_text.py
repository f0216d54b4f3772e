"""nccl-tests' text: what was rendered is what is parsed, in every era and behind every launcher."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commbench.errors import UsageError
from commbench.importers import nccl_tests
from commbench.importers.names import dtype_of
from commbench.importers.numbers import significant_digits
from commbench.importers.parsed import Hints, ParsedPoint

from .nccl_tests_text import COLUMNS, ERAS, MIDDLE, NEW, NOISE, OLD, PREFIXES, Half, Log, Row, simple_row, text

NOTHING = Hints()
halves = st.builds(
    Half,
    time_us=st.floats(0.01, 5e7),
    algbw=st.floats(0, 9e4),
    busbw=st.floats(0, 9e4),
    wrong=st.none() | st.integers(0, 10**5),
)
rows = st.builds(
    Row,
    size=st.integers(0, 2**40),
    count=st.integers(0, 2**40),
    nccl_type=st.sampled_from(["float", "double", "half", "bfloat16", "int8", "uint64", "f8e4m3"]),
    redop=st.sampled_from(["sum", "prod", "none", "mulsum"]),
    root=st.integers(-1, 63),
    out_of_place=halves,
    in_place=halves,
)
logs = st.builds(
    Log,
    rows=st.lists(rows, max_size=6),
    era=st.sampled_from(ERAS),
    program=st.sampled_from(list(COLUMNS)),
    ranks=st.integers(1, 9),
    footer=st.sampled_from([0, None, 3]),
    per_call=st.booleans(),
    timestamp=st.sampled_from(["", "2026-07-09 10:11:12"]),
)


def seen(point: ParsedPoint) -> tuple[object, ...]:
    printed = point.printed
    return (
        *(point.size_bytes, point.count, point.dtype, point.in_place),
        *(printed.time_us, printed.algbw_gb_s, printed.busbw_gb_s, printed.digits, point.wrong_count),
    )


def expected(log: Log) -> list[tuple[object, ...]]:
    found: list[tuple[object, ...]] = []
    for row in log.rows:
        for in_place, half in ((False, row.out_of_place), (True, row.in_place)):
            time, algbw, busbw, wrong, *_ = log.cells(half)
            count = None if log.era == OLD or wrong == "N/A" else int(float(wrong))
            numbers = (float(time), float(algbw), float(busbw), significant_digits(time.strip()), count)
            found.append((row.size, row.count, dtype_of(row.nccl_type), in_place, *numbers))
    return found


@settings(max_examples=150)
@given(log=logs, prefix=st.sampled_from(PREFIXES), is_torn=st.booleans())
def test_a_rendered_table_parses_back_to_the_same_rows(log: Log, prefix: str, is_torn: bool) -> None:
    whole = text(log.lines(f"\n{NOISE}\n{NOISE}\n" if is_torn else ""), prefix)
    (run,) = nccl_tests.parse(whole, Hints(collective="all_reduce"))
    assert [seen(point) for point in run.points] == expected(log)
    assert run.world_size == log.ranks
    assert (run.exit_state == "killed") == (log.footer is None)


@pytest.mark.parametrize("program", ["all_reduce", "broadcast"])
def test_a_line_of_nccl_that_sticks_to_a_row_costs_nothing(program: str) -> None:
    log = Log([simple_row(), simple_row(2048)], era=MIDDLE, program=program)
    (run,) = nccl_tests.parse(text(log.lines(f"{NOISE}\n")), Hints(collective=program))
    assert [seen(point) for point in run.points] == expected(log)


def test_a_half_row_at_the_end_is_counted_and_the_complete_rows_are_kept() -> None:
    log = Log([simple_row(), simple_row(2048)], footer=None)
    lines = log.lines()
    (run,) = nccl_tests.parse(text([*lines[:-1], lines[-1][:70]]), NOTHING)
    assert [point.size_bytes for point in run.points] == [1024, 1024]
    assert run.extra["torn_rows"] == 1
    assert run.exit_state == "killed"


def test_a_header_without_rows_is_a_run_that_was_killed() -> None:
    (run,) = nccl_tests.parse(text(Log([], footer=None).lines()), NOTHING)
    assert (run.points, run.exit_state) == ((), "killed")
    assert run.points_planned == 36  # 8 B to 1 MiB, out of place and in place


def test_a_failure_in_the_middle_keeps_what_was_complete_and_says_why() -> None:
    failure = "node-1: Test NCCL failure all_reduce.cu:274 'remote process exited or there was a network error / '"
    lines = [*Log([simple_row()], footer=None).lines(), failure, " .. node-1 pid 4712: Test failure common.cu:484"]
    (run,) = nccl_tests.parse(text(lines), NOTHING)
    assert (len(run.points), run.exit_state) == (2, "failed")
    assert "remote process exited" in run.reason


def test_wrong_elements_make_the_row_and_the_run_wrong() -> None:
    log = Log([simple_row(wrong=0), simple_row(2048, wrong=7)], footer=1)
    (run,) = nccl_tests.parse(text(log.lines()), NOTHING)
    assert [point.status for point in run.points] == ["ok", "ok", "wrong_result", "wrong_result"]
    assert run.exit_state == "wrong_result"


def test_a_small_difference_of_floats_is_right_in_old_tables_and_a_large_one_wrong() -> None:
    lines = text(Log([simple_row()], era=OLD).lines())
    for error, status in (("0e+00", "ok"), ("5e-06", "ok"), ("2e-05", "wrong_result")):
        (run,) = nccl_tests.parse(lines.replace("0e+00", error), NOTHING)
        assert {point.status for point in run.points} == {status}
        assert {point.wrong_count for point in run.points} == {None}  # a difference is no count


def test_every_run_of_a_file_is_a_run_of_its_own() -> None:
    first, second = Log([simple_row()]), Log([simple_row(4096)], program="sendrecv")
    hung = Log([], program="all_gather", footer=None)
    runs = nccl_tests.parse(text([*first.lines(), "", *hung.lines(), "$ next", *second.lines()]), NOTHING)
    assert [run.exit_state for run in runs] == ["complete", "killed", "complete"]
    assert [run.points[0].collective for run in runs if run.points] == ["all_reduce", "send_recv"]


@pytest.mark.parametrize("era", ERAS)
def test_what_follows_a_run_does_not_change_its_text(era: str) -> None:
    log = Log([simple_row()], era=era)
    (alone,) = nccl_tests.parse(text(log.lines()), NOTHING)
    followed = nccl_tests.parse(text(["$ mpirun all_reduce_perf", *log.lines(), "bye", "", *log.lines()]), NOTHING)
    assert [run.text for run in followed] == [alone.text, alone.text]


def test_the_device_list_gives_hosts_ranks_and_gpus() -> None:
    (run,) = nccl_tests.parse(text(Log([simple_row()], ranks=4, hosts=2).lines()), NOTHING)
    assert [(host.hostname, host.ranks) for host in run.hosts] == [("node-0", (0, 1)), ("node-1", (2, 3))]
    assert run.hosts[0].gpus == ("NVIDIA H100 80GB HBM3",) * 2
    assert (run.nodes, run.nccl_version, run.warmup_iterations) == (2, "2.28.7", 5)
    assert run.points[0].iterations == 20


def test_sizes_that_round_to_nothing_keep_the_size_that_was_asked_for() -> None:
    zero = replace(simple_row(), size=0, count=0)
    (run,) = nccl_tests.parse(text(Log([zero, zero, replace(simple_row(), size=32, count=4)]).lines()), NOTHING)
    assert [(point.size_bytes, point.requested_bytes) for point in run.points[::2]] == [(0, 8), (0, 16), (32, 32)]


def test_a_time_of_two_digits_is_kept_and_says_so() -> None:
    (run,) = nccl_tests.parse(text(Log([simple_row(2**36, time_us=1.14e7)]).lines()), NOTHING)
    assert (run.points[0].printed.time_us, run.points[0].printed.digits) == (1.1e7, 2)


def test_the_mean_of_all_calls_is_no_quantile_and_single_calls_are() -> None:
    (plain,) = nccl_tests.parse(text(Log([simple_row()]).lines()), NOTHING)
    (detailed,) = nccl_tests.parse(text(Log([simple_row()], per_call=True).lines()), NOTHING)
    assert plain.points[0].times == {"elapsed_mean_us": 12.5}
    assert detailed.points[0].times == {
        "elapsed_mean_us": 12.5, "time_min_us": 1.0, "time_max_us": 2.0, "time_p99_us": 1.5
    }  # fmt: skip


def test_launch_times_of_the_cpu_are_no_times_of_calls() -> None:
    lines = [line.replace("    time", " cputime") for line in Log([simple_row()]).lines()]
    (run,) = nccl_tests.parse(text(lines), NOTHING)
    assert (run.points[0].times, run.points[0].printed.time_us, run.points[0].variant) == ({}, 12.5, "cpu time")


def without_devices(log: Log) -> str:
    return text([line for line in log.lines() if "Rank" not in line and "devices" not in line])


def test_without_a_device_list_the_ratio_of_bandwidths_tells_the_ranks_or_the_user_must() -> None:
    log = Log([simple_row(2**31, 5e4, world_size=16)], era=MIDDLE)
    (run,) = nccl_tests.parse(without_devices(log), NOTHING)
    assert (run.points[0].collective, run.world_size, run.nodes) == ("all_reduce", 16, None)
    assert run.extra["world_size_from"] == "busbw / algbw"
    small = Log([simple_row(8, world_size=16)], era=NEW)  # 0.00 and 0.00
    with pytest.raises(UsageError, match="add --ranks N"):
        nccl_tests.parse(without_devices(small), NOTHING)
    (told,) = nccl_tests.parse(without_devices(small), Hints(world_size=16, nodes=2))
    assert (told.world_size, told.nodes) == (16, 2)


def test_two_collectives_with_the_same_columns_are_not_guessed_between() -> None:
    half = Half(1000.0, 268.4, 134.2, None)
    gathered = Log([Row(2**28, 2**25, "float", "none", -1, half, half)], era=MIDDLE)
    with pytest.raises(UsageError, match="add --collective NAME"):
        nccl_tests.parse(text(gathered.lines()), NOTHING)
    by_command = nccl_tests.parse(text(["$ srun ./build/all_gather_perf -b 8", *gathered.lines()]), NOTHING)
    by_file = nccl_tests.parse(text(gathered.lines()), Hints(file_name="h100_alltoall.log"))
    assert [run[0].points[0].collective for run in (by_command, by_file)] == ["all_gather", "all_to_all"]


@pytest.mark.parametrize(("in_place_wrong", "collective"), [(0, "all_gather"), (None, "all_to_all")])
def test_what_is_not_checked_in_place_tells_alltoall_from_all_gather(
    in_place_wrong: int | None, collective: str
) -> None:
    half = Half(1000.0, 268.4, 134.2, 0)
    row = Row(2**28, 2**25, "float", "none", -1, half, replace(half, wrong=in_place_wrong))
    (run,) = nccl_tests.parse(text(Log([row], era=MIDDLE).lines()), NOTHING)
    assert run.points[0].collective == collective


def test_the_blank_cell_of_an_old_alltoall_names_it() -> None:
    (run,) = nccl_tests.parse(text(Log([simple_row()], era=OLD, program="alltoall").lines()), NOTHING)
    assert run.points[0].collective == "all_to_all"


def test_the_printed_time_of_day_is_when_the_run_was() -> None:
    (run,) = nccl_tests.parse(text(Log([simple_row()], timestamp="2026-07-09 10:11:12").lines()), NOTHING)
    assert str(run.started_at) == "2026-07-09 10:11:12"
