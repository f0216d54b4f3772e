"""A run while it runs: a progress bar under scrolling rows on a terminal, one row per point elsewhere."""

import time
from collections.abc import Callable, Collection
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from commbench.collectives import get
from commbench.collectives.of_point import bandwidths_of
from commbench.model.plan import Plan
from commbench.model.point import AUTO_FABRIC, SIMULATED, Point
from commbench.model.result import PointResult, Status
from commbench.model.summary import summarise
from commbench.report.table import header_line, point_line
from commbench.report.words import SIMULATED_NOTE, Row
from commbench.statistics.headline import decompose
from commbench.units import NS_PER_US, format_duration

_STYLES = {Status.WRONG: "bold red", Status.ERROR: "red", Status.TIMEOUT: "red", Status.SKIPPED: "dim"}
_LABEL_WIDTH = 46  # of what is being measured, so that the bar keeps its place


class LiveView:
    """Shows a plan's points as they finish; `done` are the ids that an earlier session has finished.

    Use it as a context manager, or close it. `clock` gives seconds.
    """

    def __init__(
        self,
        plan: Plan,
        console: Console,
        done: Collection[int] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._clock = clock
        self._remaining_s = {
            point.point_id: 0.0 if point.skip_reason else point.estimate_s
            for point in plan.points
            if point.point_id not in done
        }
        self._estimated_s = 0.0  # of the points that were measured here
        self._observed_s = 0.0  # what they took
        self._started: tuple[int, float] | None = None
        self._has_header = False
        self._launches, self._launch = max((point.launch_index for point in plan.points), default=0) + 1, -1
        self._of = "of at most" if plan.protocol.decide_share else "of"  # what is decided early needs no more
        self._is_simulated = plan.backend == SIMULATED
        self._progress, self._task = self._bar(len(plan.points), len(plan.points) - len(self._remaining_s))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def remaining_s(self) -> float:
        """Return the seconds still to go: the plan's estimates, scaled by how they have fared so far."""
        scale = self._observed_s / self._estimated_s if self._estimated_s else 1.0
        return scale * sum(self._remaining_s.values())

    def started(self, point: Point) -> None:
        """Say what is being measured now."""
        self._started = (point.point_id, self._clock())
        if self._progress is not None:
            self._progress.update(self._task, description=f"{point.label:{_LABEL_WIDTH}.{_LABEL_WIDTH}}")

    def finished(self, result: PointResult) -> None:
        """Print the point's row and move on."""
        self._account(result.point)
        if not self._has_header:
            self._print_header()
        self._name_launch(result.point)
        self._print(point_line(display_row(result)), _STYLES.get(result.status, ""))
        if self._progress is not None:
            total = self._progress.tasks[self._task].total or 0
            left = f"about {format_duration(self.remaining_s)} left" if self._remaining_s else ""
            self._progress.update(self._task, completed=total - len(self._remaining_s), left=left)

    def close(self) -> None:
        """Take the bar away; the rows stay. Closing twice is harmless."""
        if self._progress is not None:
            self._progress.stop()

    def _bar(self, total: int, completed: int) -> tuple[Progress | None, TaskID]:
        if not self._console.is_terminal or self._console.is_dumb_terminal:
            return None, TaskID(0)
        progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}", markup=False),
            console=self._console,
            transient=True,
            redirect_stdout=False,  # results on stdout are the caller's and go where they go
            redirect_stderr=False,
        )
        left = f"about {format_duration(self.remaining_s)} left"
        task = progress.add_task("starting ranks", total=total, completed=completed, left=left)
        progress.start()
        return progress, task

    def _account(self, point: Point) -> None:
        estimate_s = self._remaining_s.pop(point.point_id, 0.0)
        if self._started is not None and self._started[0] == point.point_id and estimate_s:
            self._estimated_s += estimate_s
            self._observed_s += self._clock() - self._started[1]

    def _name_launch(self, point: Point) -> None:
        """Say which launch the following rows come from, where there are several."""
        if point.launch_index != self._launch and self._launches > 1:
            over = "" if point.fabric == AUTO_FABRIC else f", fabric {point.fabric}"
            self._print(f"# launch {point.launch_index + 1} {self._of} {self._launches}{over}", "bold")
        self._launch = point.launch_index

    def _print_header(self) -> None:
        self._has_header = True
        if self._is_simulated:
            self._print(f"# {SIMULATED_NOTE}", "bold")
        self._print(header_line(), "")

    def _print(self, text: str, style: str) -> None:
        # A row is never folded: a pipe or a log has no width, and a narrow terminal folds by itself.
        self._console.print(Text(text, style), soft_wrap=True)


def display_row(result: PointResult) -> Row:
    """Return one result under the names of the points frame, as far as a row shows them."""
    point, verdict = result.point, result.correctness
    is_checked = result.status in {Status.OK, Status.WRONG}
    row: dict[str, object] = {
        **{name: getattr(point, name) for name in ("collective", "world_size", "size_bytes", "dtype", "redop")},
        "status": str(result.status),
        "error": result.error,
        "wrong_count": verdict.wrong_count if is_checked else None,
        "iterations": 0,
    }
    if not verdict.is_right:
        row |= {f"wrong_{name}": getattr(verdict, name) for name in ("rank", "index", "expected", "got")}
    if result.samples is None or not result.samples.enter_ns.size:
        return {**row}
    is_synchronising = get(point.collective).is_synchronising
    calls = decompose(result.samples, result.clock_bound_ns, is_synchronising=is_synchronising)
    summary = summarise(calls.headline_ns)
    times = {f"latency_{name}": getattr(summary, name) for name in ("p50_us", "p99_us", "max_us")}
    algbw, busbw = bandwidths_of(point, summary.p50_us * NS_PER_US)
    ending = {"iterations": summary.n, "converged": result.converged}
    return {**row, **times, **ending, "algbw_gb_s": algbw, "busbw_gb_s": busbw}
