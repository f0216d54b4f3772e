import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from .table import TruthTable

pytestmark = pytest.mark.alone

WHERE = "truth/test_host_truth.py"

_PIN = "import os, sys, time; os.sched_setaffinity(0, {int(sys.argv[1])})\n"
HOG = f"{_PIN}print('at it', flush=True)\nwhile True: pass"
WORK = f"""{_PIN}
import json
from commbench.environment.schedstat import RunQueueWait
wait, end = RunQueueWait(), time.perf_counter() + 1.5
waited, began, cpu = wait.read_ns(), time.perf_counter_ns(), time.process_time_ns()
while time.perf_counter() < end: WHAT
lost = (time.perf_counter_ns() - began) - (time.process_time_ns() - cpu)
print(json.dumps([wait.is_available, wait.read_ns() - waited, lost]))"""
BUSY, ASLEEP = WORK.replace("WHAT", "pass"), WORK.replace("WHAT", "time.sleep(0.5)")
SPIN = f"""{_PIN}
from commbench.measure.spin_check import lost_share, owns_its_core
print([lost_share(1.0), int(any(owns_its_core() for _ in range(5)))])"""


@contextmanager
def hog(cpu: int) -> Iterator[None]:
    """Keep a core busy with another process."""
    process = subprocess.Popen([sys.executable, "-c", HOG, str(cpu)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "at it\n"
        yield
    finally:
        process.kill()
        process.communicate()


def on(cpu: int, program: str) -> list[float]:
    done = subprocess.run([sys.executable, "-c", program, str(cpu)], capture_output=True, text=True, check=True)
    numbers: list[float] = json.loads(done.stdout)
    return numbers


@pytest.fixture
def cpu() -> int:
    return max(os.sched_getaffinity(0))


def test_a_process_robbed_of_its_core_shows_it_as_run_queue_wait(cpu: int, truth_table: TruthTable) -> None:
    with hog(cpu):
        available, waited_ns, lost_ns = on(cpu, BUSY)
    if not available:
        pytest.skip("this kernel does not count run-queue wait (CONFIG_SCHED_INFO)")
    share = waited_ns / lost_ns
    truth_table.add(
        "P9: a preempted host is seen as such",
        "two busy processes pinned to one core, 1.5 s",
        f"lost {lost_ns / 1e6:.0f} ms of CPU, {share:.0%} of it seen as run-queue wait",
        share >= 0.8,
        WHERE,
    )
    assert lost_ns > 0.3e9
    assert 0.8 <= share < 1.2


def test_a_process_that_asks_for_no_cpu_waits_for_none(cpu: int, truth_table: TruthTable) -> None:
    available, waited_ns, lost_ns = on(cpu, ASLEEP)
    if not available:
        pytest.skip("this kernel does not count run-queue wait (CONFIG_SCHED_INFO)")
    share = waited_ns / lost_ns
    truth_table.add(
        "P9: sleep is not taken for preemption",
        "a process asleep for 1.5 s",
        f"{share:.2%} of that time seen as run-queue wait",
        share < 0.05,
        WHERE,
    )
    assert share < 0.05


def test_a_rank_that_shares_its_core_is_refused_windows(cpu: int, truth_table: TruthTable) -> None:
    alone, _ = on(cpu, SPIN)
    with hog(cpu):
        shared, owns = on(cpu, SPIN)
    truth_table.add(
        "P25: windows are refused on shared cores",
        "two processes pinned to one core",
        f"{shared:.0%} of the time lost in gaps (alone {alone:.1%}); accepted: {bool(owns)}",
        not owns,
        WHERE,
    )
    assert not owns
    assert shared > 0.3
