from pathlib import Path

import pytest

from commbench.errors import UsageError
from commbench.report import table

from .frames import frame, mixed, point

GOLDEN = Path(__file__).parent / "golden"


def golden(name: str) -> str:
    return (GOLDEN / name).read_text(encoding="utf-8")


def test_every_ending_is_shown() -> None:
    assert table.show(mixed()) == golden("mixed.txt")


def test_a_wide_terminal_gets_p95() -> None:
    assert table.show(mixed(), width=120) == golden("wide.txt")


def test_simulated_rows_are_marked() -> None:
    simulated = frame(point(backend="simulated", is_simulated=True), point(1, collective="broadcast"))
    assert table.show(simulated) == golden("simulated.txt")


def test_runs_and_variables_are_told_apart() -> None:
    rows = [
        point(index, run_id=run, cadence=each) for run in "ab" for index, each in enumerate(("isolated", "streaming"))
    ]
    text = table.show(frame(*rows, point(5, run_id="b", launch="graph", traffic_skew=1.0)))
    titles = [line for line in text.splitlines() if line.startswith("# all_reduce")]
    assert len(titles) == 5
    assert titles[-1] == "# all_reduce: 2 ranks, 1 node, gloo, fabric auto, in place, isolated, launch graph, skew 1, b"


def test_lines_fit_a_hundred_columns() -> None:
    rows = [table.header_line(), *(table.point_line(row) for row in mixed().to_dict("records")), table.show(mixed())]
    longest = max(len(line) for row in rows for line in row.splitlines())
    assert longest <= table.WIDTH


def test_live_rows() -> None:
    rows = [table.point_line(row) for row in mixed().to_dict("records")]
    assert "\n".join([table.header_line(), *rows]) + "\n" == golden("live.txt")


def test_nothing_to_show() -> None:
    with pytest.raises(UsageError, match="no points to report; measure some"):
        table.show(frame())


P99S = [(298, "-"), (299, "<=30.00"), (367, "<=30.00"), (368, "20.00")]


@pytest.mark.parametrize(("calls", "said"), P99S)
def test_a_p99_is_nothing_below_299_calls_and_a_bound_below_368(calls: int, said: str) -> None:
    row = point(latency_p50_us=10.0, iterations=calls)
    assert table.point_line(row).split()[6] == said
    assert f" {said} " in table.show(frame(row)).splitlines()[3]


def test_a_p99_of_launches_is_as_sure_as_the_one_with_fewest_calls() -> None:
    points = frame(point(latency_p50_us=10.0, iterations=3 * 298)).assign(launches=3, fewest_iterations=298)
    assert " 20.00 " not in table.show(points)


def test_a_bound_too_long_for_its_column_is_the_worst_beside_it() -> None:
    line = table.show(frame(point(latency_p50_us=4e6, iterations=300))).splitlines()[3]
    assert "<=worst 12000000" in line
    assert len(line) <= table.WIDTH
