"""PARAM comms: its percentiles are over ranks, so they stay what it printed."""

from pathlib import Path

import pytest

from commbench.errors import UsageError
from commbench.importers import param
from commbench.importers.parsed import Hints

TEXT = (Path(__file__).parents[2] / "fixtures" / "importers" / "param.txt").read_text()


def test_a_table_is_a_run_with_the_ranks_backend_and_cadence_of_its_environment() -> None:
    (run,) = param.parse(TEXT, Hints())
    assert (run.world_size, run.nodes, run.backend, run.cadence) == (4, 2, "gloo", "isolated")
    assert [(point.collective, point.size_bytes, point.count) for point in run.points] == [
        ("all_reduce", 1024, 256),
        ("all_reduce", 1048576, 262144),
        ("all_to_all", 1048576, 65536),
    ]
    assert run.extra["left_out_rows"] == 1  # pt2pt


def test_percentiles_over_ranks_fill_no_column_of_percentiles_over_calls() -> None:
    point = param.parse(TEXT, Hints())[0].points[1]
    assert point.times == {}
    assert (point.printed.time_us, point.printed.algbw_gb_s, point.printed.busbw_gb_s) == (2644.1, 0.397, 0.595)
    assert point.extra["rank_mean_p95_us"] == 2661.0
    assert point.iterations is None


def test_the_form_of_a_call_is_kept_apart() -> None:
    assert [point.variant for point in param.parse(TEXT, Hints())[0].points[1:]] == ["all_reduce", "all_to_allv"]


def test_rows_of_2021_without_an_element_type_are_read() -> None:
    old = TEXT.replace("-float32", "").replace("PARAM COMM environment", "MPI environment")
    old = "\n".join(line.removesuffix("                 0.0") for line in old.splitlines())
    (run,) = param.parse(old, Hints())
    assert [point.dtype for point in run.points] == ["float32"] * 3  # from the line of its arguments


def test_without_its_environment_the_ranks_must_be_told() -> None:
    table = TEXT[TEXT.index("0: \tCOMMS-RES ") :]
    with pytest.raises(UsageError, match="add --ranks N"):
        param.parse(table, Hints())
    assert param.parse(table, Hints(world_size=4))[0].points[0].dtype == "float32"


def test_a_header_without_rows_is_a_run_that_was_killed() -> None:
    (run,) = param.parse(TEXT[: TEXT.index("0: \tCOMMS-RES-all_reduce")], Hints())
    assert (run.points, run.exit_state) == ((), "killed")


def test_a_table_of_nothing_but_other_rows_is_refused() -> None:
    lines = [line for line in TEXT.splitlines() if "RES-all" not in line]
    with pytest.raises(UsageError, match="pt2pt or quantised"):
        param.parse("\n".join(lines), Hints())
