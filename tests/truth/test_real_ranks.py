"""Part C: what is planted in real gloo ranks is found, sized and named, on a machine that is shared and noisy.

Planted times are long (20 ms) so that the machine's own noise is small beside them, and what really happened is taken
from the ranks' diaries, not from what was asked for. Nearly all the time goes into starting ranks.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import sqrt
from pathlib import Path

import numpy as np
import pytest

from commbench.measure.stopping import Adaptive
from commbench.model.plan import Stopping
from commbench.model.result import Status
from commbench.statistics.blame import Cause
from commbench.statistics.decompose import NO_RANK, on_one_clock
from commbench.statistics.headline import Method
from commbench.statistics.woodruff import cluster_interval
from tests.bench.loops import versus_loop
from tests.truth.full import IS_FULL
from tests.truth.launched import Launched, launch
from tests.truth.planted_worker import CORRUPTED_INDEX, MS, VICTIM, Fault
from tests.truth.table import TruthTable

pytestmark = [pytest.mark.alone, pytest.mark.ranks, pytest.mark.timeout(180)]

WHERE = "truth/test_real_ranks.py"
DELAY_MS = 20.0
# Where ranks share cores, or a call waits for its turn as long as it takes, 20 ms is within six sigmas of the noise.
LONG_DELAY_MS = 60.0
SHARE = 0.05
MOVED = 0.03  # of the p50 of L, that late arrivals may cost it at most
VISITS = 20
WRONG_CLOCK = Fault(share=SHARE, late_ms=DELAY_MS, clock_offset_ms=5, clock_drift=100e-6)
LARGE = "[1048576]"  # a call takes milliseconds, so that a bound of tens of us is small beside it


@pytest.fixture(scope="module")
def launched(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Launched]:
    """Return launch() in a folder of its own; the same launch is made once."""
    known: dict[str, Launched] = {}

    def once(fault: Fault, **options: str) -> Launched:
        key = f"{fault} {options}"
        if key not in known:
            known[key] = launch(tmp_path_factory.mktemp("launch"), fault, **options)  # type: ignore[arg-type] # no copies here
        return known[key]

    return once


def bar(promise: float, count: int) -> float:
    """Return the share below which so many calls refute the promise: two standard errors less."""
    return promise - 2 * sqrt(promise * (1 - promise) / count)


def blamed(run: Launched, cause: Cause, *, on_culprit: bool) -> float:
    """Return the share of planted calls blamed on that cause and, as asked, on the planted rank or on nobody."""
    events, planted = run.events(), run.slept_ns()
    assert len(planted) >= 10, "too few planted calls to say anything"
    right = [
        call in events and events[call].cause is cause and events[call].rank == (rank if on_culprit else NO_RANK)
        for call, (rank, _) in planted.items()
    ]
    return float(np.mean(right))


@pytest.mark.parametrize(("ranks", "delay_ms"), [(2, DELAY_MS), (4, DELAY_MS)])
def test_C15_P6_P7_a_late_rank_is_named_and_sized_and_the_network_is_not_blamed(
    ranks: int, delay_ms: float, launched: Callable[..., Launched], truth_table: TruthTable
) -> None:
    run = launched(Fault(share=SHARE, late_ms=delay_ms), ranks=f"[{ranks}]", iterations="400")
    calls, planted = run.decomposed().calls, run.slept_ns()
    named = blamed(run, Cause.ARRIVAL, on_culprit=True)
    error = float(np.median([calls.skew_ns[call] / slept - 1 for call, (_, slept) in planted.items()]))
    is_quiet = ~np.isin(np.arange(len(calls.latency_ns)), list(planted))
    visits = zip(np.split(calls.latency_ns, VISITS), np.split(is_quiet, VISITS), strict=True)
    quiet = cluster_interval([latency[mask] for latency, mask in visits])
    assert quiet is not None
    p50 = float(np.median(calls.latency_ns))
    is_unmoved = (1 - MOVED) * quiet.low <= p50 <= (1 + MOVED) * quiet.high
    holds = named >= bar(0.95, len(planted)) and abs(error) <= 0.05 and is_unmoved
    truth_table.add(
        f"C15, P6, P7 {ranks} real ranks, one late by {delay_ms:g} ms in 5 % of calls",
        "arrival and rank right 95 %, S within 5 %, that p50 of L moves < 3 % from the other calls' not refuted",
        f"{named:.1%} of {len(planted)}, S wrong by {error:+.1%}, p50 of L {p50 / 1000:.0f} us, "
        f"of the other calls {quiet.estimate / 1000:.0f} [{quiet.low / 1000:.0f}, {quiet.high / 1000:.0f}] us",
        holds,
        WHERE,
    )
    assert holds


def test_C16_P8_a_stall_of_the_transport_is_blamed_on_it_and_on_no_rank(
    launched: Callable[..., Launched], truth_table: TruthTable
) -> None:
    run = launched(Fault(share=SHARE, stall_ms=LONG_DELAY_MS), iterations="400")
    named = blamed(run, Cause.TRANSPORT, on_culprit=False)
    events, planted = run.events(), run.slept_ns()
    holds = named >= bar(0.95, len(planted))
    sizes = [events[call].transport_ns / slept - 1 for call, (_, slept) in planted.items() if call in events]
    truth_table.add(
        f"C16, P8 2 real ranks, {LONG_DELAY_MS:g} ms stall between two halves of 5 % of calls",
        "transport, nobody named 95 %",
        f"{named:.1%} of {len(planted)}, stall wrong by {float(np.median(sizes)):+.1%}",
        holds,
        WHERE,
    )
    assert holds


def test_C17_P11_a_wrong_clock_is_put_right_within_the_published_bound(
    launched: Callable[..., Launched], truth_table: TruthTable
) -> None:
    run = launched(WRONG_CLOCK, sizes=LARGE, iterations="300", clock_sync='"always"')
    result = run.only
    assert result.samples is not None
    assert result.clock_bound_ns is not None
    found, truth = (on_one_clock(*stamps) for stamps in (result.samples.stacked()[:2], run.true_stamps()))
    errors = np.abs(np.concatenate([found.skew_ns - truth.skew_ns, found.latency_ns - truth.latency_ns]))
    outside = int((errors > result.clock_bound_ns).sum())
    named = blamed(run, Cause.ARRIVAL, on_culprit=True)
    holds = outside == 0 and named >= bar(0.95, len(run.slept_ns())) and result.clock_bound_ns < MS
    truth_table.add(
        "C17, P11 2 real ranks, a clock 5 ms and 100 ppm wrong, compared at every visit",
        "every S and L within the bound, arrivals as C15",
        f"{outside} of {len(errors)} outside, median error {np.median(errors) / 1000:.1f} us, "
        f"bound {result.clock_bound_ns / 1000:.0f} us, {run.decomposed().method}, arrivals {named:.1%}",
        holds,
        WHERE,
    )
    assert holds


def test_C17_P11_without_comparison_the_same_check_fails_and_no_clock_is_trusted(
    launched: Callable[..., Launched], truth_table: TruthTable
) -> None:
    """The negative control: the planted fault is real. What is published then comes from no clock at all."""
    run = launched(WRONG_CLOCK, sizes=LARGE, iterations="300", clock_sync='"never"')
    result = run.only
    assert result.samples is not None
    found, truth = (on_one_clock(*stamps) for stamps in (result.samples.stacked()[:2], run.true_stamps()))
    wrong_ms = float(np.median(np.abs(found.skew_ns - truth.skew_ns))) / MS
    named, method = blamed(run, Cause.ARRIVAL, on_culprit=True), run.decomposed().method
    is_named = named >= bar(0.95, len(run.slept_ns()))
    holds = wrong_ms > 4 and result.clock_bound_ns is None and method is Method.CLOCK_FREE and is_named
    truth_table.add(
        "C17, P11 negative control: the same clock, never compared",
        "one clock: S wrong by 5 ms; published: clock-free, no bound, arrivals as C15",
        f"S wrong by {wrong_ms:.1f} ms; {method}, bound {result.clock_bound_ns}, arrivals {named:.1%}",
        holds,
        WHERE,
    )
    assert holds


@contextmanager
def hogs() -> Iterator[None]:
    """Keep the ranks' cores busy with something else: one process a core, and one more."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range((os.cpu_count() or 2) + 1)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def test_C18_P9_a_host_that_gives_the_ranks_no_cpu_is_blamed_and_the_noise_is_stored(
    tmp_path: Path, truth_table: TruthTable
) -> None:
    with hogs():
        run = launch(tmp_path, Fault(), iterations="1000")
    latency, events = run.decomposed().calls.latency_ns, run.events()
    tail = [int(call) for call in np.flatnonzero(latency > np.median(latency) + MS)]
    causes = [events[call].cause for call in tail if call in events]
    host, noise = float(np.mean([cause is Cause.HOST for cause in causes])), run.only.others_share
    assert noise is not None
    holds = len(causes) >= 10 and host >= 0.9 and noise > 0.3
    truth_table.add(
        "C18, P9 2 real ranks beside busy processes",
        "host blamed for 90 % of events with L > p50 + 1 ms, others' CPU > 30 %",
        f"host {host:.1%} of {len(causes)}, others' CPU {noise:.0%}",
        holds,
        WHERE,
    )
    assert holds


SLEEPS_MS = {"4096": 1.0, "8192": 5.0, "16384": 20.0}


@pytest.fixture(scope="module")
def sleeping(launched: Callable[..., Launched]) -> Launched:
    return launched(Fault(sleep_ms=SLEEPS_MS), sizes="[4096, 8192, 16384]", iterations="200")


def test_C19_P13_a_collective_of_known_length_is_measured_as_that_long(
    sleeping: Launched, truth_table: TruthTable
) -> None:
    slept = [sleeping.diary(rank)["slept"] for rank in range(2)]
    for row in sleeping.rows:
        lengths = np.array([[ns for point, _, ns in each if point == row["point_id"]] for each in slept])
        truth_ms, found_ms = float(np.median(lengths.max(axis=0))) / MS, float(str(row["latency_p50_us"])) / 1000
        holds = abs(found_ms - truth_ms) <= 0.01 * truth_ms + 0.2
        truth_table.add(
            f"C19, P13 a sleep of {SLEEPS_MS[str(row['size_bytes'])]:g} ms instead of the collective",
            "p50 of L within 1 % + 0.2 ms of what the sleep took",
            f"{found_ms:.3f} ms, it took {truth_ms:.3f} ms",
            holds,
            WHERE,
        )
        assert holds


def test_C22_the_tool_costs_little(sleeping: Launched, truth_table: TruthTable) -> None:
    """Of visits of 20 calls of 1 ms. The median visit speaks: of wall time others take their share now and then.

    How soon a rank that is woken runs is up to the machine, so its wall time is held against the claim by `make truth`.
    """
    diary = sleeping.diary(0)
    steps = np.array(diary["steps"][:11])  # ten visits of the first point, and the gathering
    begins, busy_ns = steps[:, 0], steps[:-1, 2]
    gathering_ns = (steps[-1, 1] - steps[-1, 0]) / len(busy_ns)
    all_ns = np.diff(begins) + gathering_ns
    own_wall = float(np.median(((all_ns - busy_ns) / all_ns)[::2]))  # in the others the diary asks for CPU times
    lengths_ns = {place: diary["steps"][int(place)][1] - diary["steps"][int(place)][0] for place in diary["own_cpu_ns"]}
    own_cpu = sum(diary["own_cpu_ns"].values()) / sum(lengths_ns.values())
    (stamp_us,) = {row["overhead_us"] for row in sleeping.rows}
    assert isinstance(stamp_us, float)
    others = sleeping.results[0].others_share or 0.0
    holds = own_cpu <= 0.05 and own_wall <= 0.05 and stamp_us < 0.5
    truth_table.add(
        "C22 overhead at visits of 20 ms",
        "own CPU and wall time outside collectives <= 5 %, an empty call < 0.5 us",
        f"{own_cpu:.1%} (wall {own_wall:.1%}, others' CPU {others:.0%}), {stamp_us:.3f} us",
        holds,
        WHERE,
    )
    assert own_cpu <= 0.05
    assert own_wall <= 0.05 or not IS_FULL
    assert stamp_us < 0.5


def test_P28_a_wrong_element_in_one_call_of_fifty_is_found_under_load(
    launched: Callable[..., Launched], truth_table: TruthTable
) -> None:
    fault, every = Fault(corrupt_every=50), 4
    run = launched(fault, iterations="400", verify_share="0.25")
    checked = [call for call in range(400) if call % 20 % every == every - 1]
    wrong = [call for call in checked if fault.is_corrupted(call)]
    assert 1 <= len(wrong) < 8, "the seed plants some on checked calls and some on others"
    result = run.results[0]
    verdict = result.correctness
    holds = result.status is Status.WRONG and "during timing" in result.error and result.verified_calls == len(checked)
    holds = holds and (verdict.rank, verdict.index) == (VICTIM, CORRUPTED_INDEX) and verdict.wrong_count >= 1
    truth_table.add(
        "P28 one wrong element in 1 of 50 calls, a quarter of the calls checked",
        "found during timing, rank and index right",
        f"{result.status}, {result.verified_calls} checked, rank {verdict.rank}, index {verdict.index}",
        holds,
        WHERE,
    )
    assert holds, result.error


def test_C21_three_launches_are_told_apart_and_their_range_is_known(tmp_path: Path, truth_table: TruthTable) -> None:
    run = launch(tmp_path, Fault(), launches="3", iterations="200")
    rows = run.rows
    p50 = [float(str(row["latency_p50_us"])) for row in rows]
    inside = sum(
        float(str(row["latency_p50_low_us"])) <= np.median(p50) <= float(str(row["latency_p50_high_us"]))
        for row in rows
    )
    holds = [row["launch_index"] for row in rows] == [0, 1, 2] and {row["status"] for row in rows} == {"ok"}
    truth_table.add(
        "C21 three launches of one point",
        "each is a row of its own",
        f"p50 {min(p50):.0f} to {max(p50):.0f} us; {inside} of 3 intervals hold the median launch",
        holds,
        WHERE,
    )
    assert holds


def test_C23_an_independent_stopwatch_agrees(tmp_path: Path, truth_table: TruthTable) -> None:
    """Claimed from 1 MiB on; what is read of the kernel around the stamps shows in calls of 8 B, and is only shown."""
    sizes = '["8", "4KiB", "64KiB", "1MiB", "16MiB"]' if IS_FULL else '["8", "1MiB"]'
    for row in versus_loop(tmp_path, 2, 4, '["all_reduce"]', sizes):
        agrees = row["low"] <= 1.05 and row["high"] >= 0.95
        is_claimed = row["size_bytes"] >= 2**20
        measured = f"{row['ratio']:.3f} [{row['low']:.3f}, {row['high']:.3f}] of {row['blocks']} pairs of blocks"
        claim = f"C23 against a loop written by hand, all_reduce {row['size_bytes']} B"
        truth_table.add(claim, "ratio of p50 not refuted at 5 %", measured, agrees if is_claimed else None, WHERE)
        assert agrees or not is_claimed


def test_P15_P16_connections_are_made_in_the_first_call_and_stay_out_of_the_samples(
    launched: Callable[..., Launched], truth_table: TruthTable
) -> None:
    run = launched(Fault(first_call_ms=200), ranks="[2, 3]", iterations="100")
    first_ms = [float(str(row["first_call_us"])) / 1000 for row in run.rows]
    worst_ms = [float(str(row["latency_max_us"])) / 1000 for row in run.rows]
    holds = all(first >= 200 for first in first_ms) and max(worst_ms) < 200
    truth_table.add(
        "P15, P16 the first call of every group sleeps 200 ms",
        "only in first_call_us, of every group",
        f"first calls {first_ms[0]:.0f} and {first_ms[1]:.0f} ms, slowest sample {max(worst_ms):.0f} ms",
        holds,
        WHERE,
    )
    assert holds


def test_P29_ranks_whose_data_differ_stop_together_for_rank_0_decides(
    launched: Callable[..., Launched], truth_table: TruthTable
) -> None:
    """A11 on real ranks: one rank's clock is random by 50 ms, so by their own times ranks would not stop together."""
    options = {"stopping": '"adaptive"', "epsilon": "0.9", "max_visits": "30", "budget_s": "20.0"}
    run = launched(Fault(clock_noise_ms=50), ranks="[3]", **options)
    samples, rule = run.only.samples, Adaptive(Stopping("adaptive", epsilon=0.9, max_visits=30, budget_s=20.0))
    assert samples is not None
    alone = []
    for rank_ns in samples.rank_time_ns:
        visits = np.split(rank_ns, len(run.only.visit_calls))
        stops = (n for n in range(len(visits) + 1) if rule.next_visit(visits[:n], 20, 1e9) == 0)
        alone.append(next(stops, None))
    calls = [run.diary(rank)["calls_made"]["0"] for rank in range(3)]
    holds = run.only.status is Status.OK and len(set(calls)) == 1 and len(set(alone)) > 1
    truth_table.add(
        "P29, A11 adaptive stopping on 3 real ranks, one with a random clock",
        "no rank hangs, all make the same calls, though each alone would stop at another visit",
        f"calls {calls}; alone they would stop after {alone} visits",
        holds,
        WHERE,
    )
    assert holds
