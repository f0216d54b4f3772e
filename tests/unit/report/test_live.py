import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from commbench.model.result import Correctness, PointResult, Samples, Status
from commbench.report.live import LiveView, display_row
from commbench.report.words import SIMULATED_NOTE

from .test_listing import plan


def result(point_id: int = 0, status: Status = Status.OK, backend: str = "gloo") -> PointResult:
    exits = np.array([[10_000, 30_000, 20_000], [12_000, 25_000, 21_000]], dtype=np.int64)
    samples = Samples(np.zeros_like(exits), exits) if status in {Status.OK, Status.WRONG} else None
    verdict = Correctness(4, 1, 17, 3.0, 5.0) if status is Status.WRONG else Correctness()
    error = "rank 3 [bold]hung[/bold]" if status is Status.TIMEOUT else ""
    return PointResult(plan(backend).points[point_id], 0, status, 0, error, verdict, samples, clock_bound_ns=0)


def test_a_pipe_gets_one_row_per_point() -> None:
    stream = io.StringIO()
    with LiveView(plan(), Console(file=stream, width=40, force_terminal=False)) as view:
        view.started(plan().points[0])
        view.finished(result())
        view.finished(result(1, Status.TIMEOUT))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 4, "two of header, one for each point, none folded"
    numbers = "21.00 - 30.00 0.0030 0.0030 0 3"
    assert lines[2].split() == ["all_reduce", "2", "64", "float32", "sum", *numbers.split()]
    assert lines[3].endswith("timeout: rank 3 [bold]hung[/bold]")
    assert "\x1b" not in stream.getvalue()


def test_simulated_rows_are_announced() -> None:
    stream = io.StringIO()
    with LiveView(plan("simulated"), Console(file=stream, force_terminal=False)) as view:
        view.finished(result(backend="simulated"))
    assert stream.getvalue().startswith(f"# {SIMULATED_NOTE}\n")


def test_a_wrong_result_is_told() -> None:
    row = display_row(result(status=Status.WRONG))
    assert (row["wrong_count"], row["wrong_rank"], row["iterations"]) == (4, 1, 3)


def test_a_time_below_the_timers_step_has_no_bandwidth() -> None:
    zero = np.zeros((2, 3), dtype=np.int64)
    row = display_row(replace(result(), samples=Samples(zero, zero)))
    assert row["algbw_gb_s"] is None


def test_no_calls_no_numbers() -> None:
    none = np.zeros((2, 0), dtype=np.int64)
    assert "latency_p50_us" not in display_row(replace(result(), samples=Samples(none, none)))


def test_what_remains_follows_what_was_seen() -> None:
    now = iter([100.0, 100.5])
    view = LiveView(plan(), Console(file=io.StringIO(), force_terminal=False), clock=lambda: next(now))
    assert view.remaining_s == pytest.approx(12.25)
    view.started(plan().points[0])
    view.finished(result())  # took twice its estimate of 0.25 s
    assert view.remaining_s == pytest.approx(24.0)
    view.finished(result(1))
    assert view.remaining_s == 0


def test_a_resumed_run_starts_where_it_was() -> None:
    assert LiveView(plan(), Console(file=io.StringIO(), force_terminal=False), done={1}).remaining_s == pytest.approx(
        0.25
    )


def test_a_terminal_gets_a_bar_under_the_rows() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=120, color_system=None, _environ={"TERM": "xterm"})
    view = LiveView(plan(), console)
    view.started(plan().points[1])
    view.finished(result())
    view.close()
    view.close()
    shown = stream.getvalue()
    assert "1/3" in shown
    assert "left" in shown
    assert "all_reduce 1048576 B" in shown
    assert "21.00" in shown
