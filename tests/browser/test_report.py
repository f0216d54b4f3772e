"""The report in a real browser: what the page's own script makes of it, with everything else forbidden."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from commbench import collectives
from commbench.model.environment import Environment, HostFacts
from commbench.model.plan import Plan, Protocol, Stopping
from commbench.model.point import Point
from commbench.model.result import Correctness, PointResult, Samples, Status
from commbench.model.run import ExitState, Record, Session
from commbench.report.html import write_report
from commbench.store.tables import tables

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=10000",
)
COLLECTIVES = ("all_reduce", "all_gather", "all_to_all")
SIZES_BYTES = tuple(64 * 4**power for power in range(11))
STARTED_NS = 1_767_323_045_000_000_000
CALLS = 60

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs a Chromium to open the report in")


@pytest.fixture(scope="module")
def record() -> Record:
    host = HostFacts(
        hostname="node0 <script>alert(1)</script>",
        ranks=(0, 1, 2, 3),
        kernel="6.8.0-45-generic",
        cpu_model="AMD EPYC 9654 96-Core Processor",
        cpu_count=192,
        memory_bytes=768 * 2**30,
        gpus=("NVIDIA H200",) * 4,
        driver_version="570.86.15",
        python_version="3.11.7",
        torch_version="2.13.0+cu130",
        cuda_version="13.0",
        nccl_build_version="2.28.9",
        nccl_version="2.29.7",
        nccl_library="/usr/lib/x86_64-linux-gnu/libnccl.so.2.29.7",
        variables={"NCCL_IB_HCA": "=mlx5_0,mlx5_1", "NCCL_DEBUG": "WARN"},
    )
    points = tuple(
        _point(index, name, ranks, size_bytes)
        for index, (name, ranks, size_bytes) in enumerate(
            (name, ranks, size_bytes) for name in COLLECTIVES for ranks in (2, 4) for size_bytes in SIZES_BYTES
        )
    )
    protocol = Protocol(Stopping("fixed", iterations=CALLS), 5, 20, 60.0)
    plan = Plan("quick", "1234", '[suite]\nname = "quick" # </script>\n', "gloo", 4, 1, protocol, points)
    argv = ("commbench", "run", "quick", "--ranks", "4")
    session = Session("20260102-030405-abcd", 0, STARTED_NS, STARTED_NS + 90 * 10**9, "local", argv, "lab", "adhoc",
                      ExitState.WRONG)  # fmt: skip
    return Record(session, plan, Environment("0.1.0", "17acb56", (host,)), tuple(_result(point) for point in points))


def _point(point_id: int, name: str, ranks: int, size_bytes: int) -> Point:
    collective = collectives.get(name)
    geometry = collective.geometry(size_bytes, 4, ranks, 0.0)
    redop = "sum" if collective.reduces else "none"
    return Point(point_id, name, size_bytes, geometry.size_bytes, geometry.count, "float32", redop, ranks, 1,
                 collective.placements[0], "gloo", "auto", "isolated", "host", 0.0, 2 * size_bytes, 1.0)  # fmt: skip


def _result(point: Point) -> PointResult:
    if point.point_id == 32:
        return PointResult(point, 0, Status.TIMEOUT, STARTED_NS, error="rank 3 entered call 12 and never left it")
    if point.size_bytes == SIZES_BYTES[-1] and point.world_size == 4:
        reason = f"{2 * point.size_bytes >> 20} MiB of buffers do not fit"
        return PointResult(point, 0, Status.SKIPPED, STARTED_NS, error=reason)
    is_wrong = point.point_id == 5
    generator = np.random.default_rng(point.point_id)
    factor = collectives.get(point.collective).bus_factor(point.world_size)
    law_ns = 20_000 * point.world_size + point.size_bytes * factor / 1.6
    times = law_ns * generator.lognormal(0, 0.15, size=(point.world_size, CALLS))
    times[0, 7] *= 1 + 9 * generator.random()
    enter = np.cumsum(np.full_like(times, 2 * law_ns), axis=1).astype(np.int64)
    return PointResult(
        point,
        0,
        Status.WRONG if is_wrong else Status.OK,
        STARTED_NS,
        error="4 wrong elements before timing; the first on rank 1 at index 17: expected 3, got 5" if is_wrong else "",
        correctness=Correctness(4, 1, 17, 3.0, 5.0) if is_wrong else Correctness(),
        samples=Samples(enter, enter + times.astype(np.int64)),
        warmup_iterations=5,
        visit_calls=(times.shape[1],),
        clock_bound_ns=0,
        stopping="fixed",
        first_call_us=law_ns / 50,
        timer="monotonic",
        timer_resolution_ns=1.0,
        hosts=("node0",) * point.world_size,
    )


@pytest.fixture(scope="module")
def frames(record: Record) -> tuple[pd.DataFrame, pd.DataFrame]:
    stored = tables(record)
    return stored["points"].to_pandas(), stored["runs"].to_pandas()


def browse(page: Path, *what: str) -> "subprocess.CompletedProcess[str]":
    assert CHROMIUM is not None
    profile = page.parent / "profile"
    command = [CHROMIUM, *OPTIONS, f"--user-data-dir={profile}", *what, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)


def test_charts_are_drawn_and_names_stay_names(frames: tuple[pd.DataFrame, pd.DataFrame], tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    write_report(*frames, page)
    shown = browse(page, "--enable-logging=stderr", "--dump-dom")
    dom = shown.stdout
    assert dom.count("js-plotly-plot") >= 2 * len(COLLECTIVES)
    assert dom.count('class="scatterlayer') == 2 * len(COLLECTIVES)
    # Two lines of bandwidth, and two of p50 with two of the worst call, for each collective.
    assert dom.count('class="trace scatter') == (2 + 4) * len(COLLECTIVES)
    assert "64 KiB" in dom
    assert 'data-title="Reset axes"' in dom
    assert "Share" not in dom.partition("<script")[0], "no button may upload what was measured"
    assert "<script>alert(1)" not in dom
    assert "Refused to" not in shown.stderr, "the page's own policy stopped the page"
    assert "CONSOLE" not in shown.stderr.replace("CONSOLE:0", "")


def test_simulated_legends_say_so(frames: tuple[pd.DataFrame, pd.DataFrame], tmp_path: Path) -> None:
    points, runs = frames
    page = tmp_path / "report.html"
    write_report(points.assign(backend="simulated", is_simulated=True), runs, page)
    dom = browse(page, "--dump-dom").stdout
    assert dom.count('class="legendtext"') == dom.count('data-unformatted="2 ranks, simulated') + dom.count(
        'data-unformatted="4 ranks, simulated'
    )


def test_a_picture_can_be_taken(frames: tuple[pd.DataFrame, pd.DataFrame], tmp_path: Path) -> None:
    page, picture = tmp_path / "report.html", tmp_path / "report.png"
    write_report(*frames, page)
    browse(page, f"--screenshot={picture}", "--window-size=1300,2400", "--hide-scrollbars")
    assert picture.stat().st_size > 100_000
