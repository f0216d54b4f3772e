"""A1, A3, A6 to A8 and the pitfalls about what is printed: quantiles, bounds, bandwidths, counts.

A2 is in test_stopping_truth.py; A4 and A5 are held to the truth where runs are compared.
"""

from math import comb

import numpy as np
import pytest

from commbench.collectives import get
from commbench.model.bandwidth import algbw_gb_s, busbw_gb_s
from commbench.model.summary import summarise
from commbench.statistics.blame import find_events
from commbench.statistics.decompose import clock_free, on_one_clock
from commbench.statistics.histogram import LogHistogram
from commbench.statistics.intervals import exceed_probability, quantile_ranks, upper_bound_exists
from commbench.statistics.tail import time_share_slow, worst_calls
from commbench.statistics.woodruff import cluster_interval
from tests.truth.table import TruthTable
from tests.truth.virtual import MS, US, Ints, plant, play

WHERE = "truth/test_estimators.py"
RANKS = 4
MIB = 2**20


def brute_force_ranks(n: int, percent: int) -> tuple[int, int] | None:
    """Return the 95 % ranks by counting in whole numbers: of 100**n equally likely outcomes, how many."""
    weights = [comb(n, k) * percent**k * (100 - percent) ** (n - k) for k in range(n + 1)]
    limit = 100**n  # compared with 40 times a tail: 2.5 % on each side
    low, tail = 0, 0
    while 40 * (tail + weights[low]) <= limit:
        tail += weights[low]
        low += 1
    high, tail = n + 1, 0
    while 40 * (tail + weights[high - 1]) <= limit:
        high -= 1
        tail += weights[high]
    return (low, high) if low >= 1 and high <= n else None


@pytest.mark.parametrize("percent", [50, 90, 99])
def test_A1_ranks_are_those_of_the_brute_force_binomial(percent: int, truth_table: TruthTable) -> None:
    sizes = [*range(1, 60), *range(60, 401, 20), 367, 368, 369]
    wrong = [n for n in sizes if quantile_ranks(n, percent / 100) != brute_force_ranks(n, percent)]
    claim = f"A1 ranks of the interval of the p{percent}"
    truth_table.add(claim, f"brute force, {len(sizes)} n up to 400", f"{len(wrong)} differ", not wrong, WHERE)
    assert not wrong


def test_A1_the_p99_has_an_interval_from_368_calls_and_a_bound_from_299(truth_table: TruthTable) -> None:
    first = next(n for n in range(1, 1000) if quantile_ranks(n, 0.99) is not None)
    bound = next(n for n in range(1, 1000) if upper_bound_exists(n, 0.99))
    holds = (first, bound) == (368, 299)
    truth_table.add("A1 calls for a p99: interval, upper bound", "368, 299", f"{first}, {bound}", holds, WHERE)
    assert holds


@pytest.mark.parametrize("n", [5, 20, 100, 1000])
def test_A3_the_worst_of_n_bounds_the_quantile_it_says(n: int, truth_table: TruthTable) -> None:
    worst = np.random.default_rng(3).random((10_000, n)).max(axis=1)
    covered = float((worst >= 1 - exceed_probability(n)).mean())
    holds = abs(covered - 0.95) <= 0.01
    claim = f"A3 the worst of {n} calls bounds the p{100 * (1 - exceed_probability(n)):.1f}"
    truth_table.add(claim, "in 95 +- 1 % of 10 000 draws", f"{covered:.2%}", holds, WHERE)
    assert holds


def test_A6_a_histogram_knows_every_quantile_within_1_percent(truth_table: TruthTable) -> None:
    rng = np.random.default_rng(6)
    times = (np.exp(rng.normal(10, 3, 200_000)) + 1).astype(np.int64)
    first, rest = times[:77], times[77:]
    whole, merged = LogHistogram.from_ns(times), LogHistogram.from_ns(first).merge(LogHistogram.from_ns(rest))
    ranks = np.linspace(0.0005, 1, 2000)
    exact = np.sort(times)[np.maximum(0, np.ceil(ranks * len(times)).astype(int) - 1)]
    error = float(np.max([abs(whole.quantile(q) / true - 1) for q, true in zip(ranks, exact, strict=True)]))
    ends = (whole.n, whole.min_ns, whole.max_ns) == (len(times), times.min(), times.max())
    holds = error <= 0.01 and merged == whole and ends
    measured = f"error {error:.2%}, merged is the same: {merged == whole}, ends exact: {ends}"
    truth_table.add("A6 histogram", "within 1 %, merge = concat, n, min and max exact", measured, holds, WHERE)
    assert holds


def test_A7_makespan_is_skew_plus_latency_to_the_ns(truth_table: TruthTable) -> None:
    rng = np.random.default_rng(7)
    enter = rng.integers(0, MS, (RANKS, 1_000_000))
    leave = enter.max(axis=0) + rng.integers(0, MS, enter.shape)
    calls, free = on_one_clock(enter, leave), clock_free(enter, leave)
    off = int(np.count_nonzero(calls.makespan_ns - calls.skew_ns - calls.latency_ns))
    longer = int(np.count_nonzero(free.latency_ns > calls.makespan_ns))
    arrivals, exits = np.sort(enter, axis=0), leave.max(axis=0) - leave.min(axis=0)
    clear = exits < arrivals[-1] - arrivals[-2]
    named = float((free.last_rank == calls.last_rank)[clear].mean())
    holds = off == 0 and longer == 0 and named == 1.0
    measured = f"{off} of 10^6 off, {longer} L' > T, same late rank in {named:.0%} of {clear.sum()} clear calls"
    truth_table.add("A7 T = S + L; the last to come waits least", "always, on 10^6 calls", measured, holds, WHERE)
    assert holds


def test_A8_bus_bandwidths_are_those_of_the_closed_forms(truth_table: TruthTable) -> None:
    wrong = []
    for ranks in range(2, 65):
        part = (ranks - 1) / ranks
        factors = {"all_reduce": 2 * part, "all_gather": part, "reduce_scatter": part, "all_to_all": part}
        for name, factor in {**factors, "broadcast": 1.0, "send_recv": 1.0}.items():
            busbw = busbw_gb_s(MIB, 1 * MS, get(name).bus_factor(ranks))
            if busbw != pytest.approx(factor * MIB / 1e6, rel=1e-12):
                wrong.append((name, ranks))
    truth_table.add("A8 bus bandwidth, 2 to 64 ranks", "closed forms", f"{len(wrong)} differ", not wrong, WHERE)
    assert not wrong


def test_A8_P24_bandwidth_is_of_a_quantile_of_time_never_a_mean_of_rates(truth_table: TruthTable) -> None:
    times = np.tile([1 * MS, 3 * MS], 500)
    typical = algbw_gb_s(MIB, summarise(times).mean_us * US)
    rates = float(np.mean([algbw_gb_s(MIB, float(time)) for time in times]))
    truth = MIB * len(times) / (times.sum() / 1e9) / 1e9
    quantile = algbw_gb_s(MIB, summarise(times).p50_us * US)
    holds = typical == pytest.approx(truth) and quantile == pytest.approx(MIB / 1e6)
    measured = f"{typical:.3f} GB/s (a mean of rates: {rates / truth - 1:+.0%})"
    truth_table.add("A8, P24 calls of 1 and 3 ms by turns", f"{truth:.3f} GB/s", measured, bool(holds), WHERE)
    assert holds
    assert rates / truth == pytest.approx(4 / 3)


def test_P1_a_rare_stall_is_in_the_tail_not_in_the_p50(truth_table: TruthTable) -> None:
    """15 of 1000 calls, so that the nearest-rank p99 is one of them for sure."""
    rng = np.random.default_rng(1)
    stall = plant(rng, 2000, 0.015, np.full(2000, 10 * MS))
    stamps, quiet = play(rng, RANKS, 2000, stall_ns=stall), play(rng, RANKS, 2000)
    calls = on_one_clock(stamps.enter_ns, stamps.exit_ns)
    got = summarise(calls.latency_ns)
    typical = summarise(on_one_clock(quiet.enter_ns, quiet.exit_ns).latency_ns).p50_us
    tail = [each / (10 * MS / US + typical) - 1 for each in (got.p99_us, got.max_us)]
    exceeding = int(np.count_nonzero(calls.latency_ns > 3 * typical * US))
    holds = abs(got.p50_us / typical - 1) <= 0.02 and max(map(abs, tail)) <= 0.05 and exceeding == 30
    measured = (
        f"p50 {got.p50_us / typical - 1:+.1%}, p99 {tail[0]:+.1%}, max {tail[1]:+.1%}, {exceeding} beyond 3 x p50"
    )
    measured += f" (mean {got.mean_us / typical - 1:+.0%})"
    truth_table.add("P1 10 ms in 1.5 % of calls", "p50 +-2 %, p99 and max +-5 %, 30 beyond", measured, holds, WHERE)
    assert holds, measured


def rank_local(rng: np.random.Generator, calls: int, extra_ns: Ints) -> tuple[Ints, Ints]:
    """Return stamps of an operation that ranks leave on their own, such as a broadcast, one of them later."""
    enter = np.tile(np.arange(calls) * 100 * MS, (RANKS, 1))
    leave = enter + 100 * US + np.where(np.arange(RANKS)[:, None] == rng.integers(0, RANKS, calls), extra_ns, 0)
    return enter, leave


def test_P2_P5_the_maximum_over_ranks_is_taken_in_every_call(truth_table: TruthTable) -> None:
    """Another rank takes 1 ms longer in every call: no rank's mean or own distribution shows it."""
    rng = np.random.default_rng(2)
    extra = MS + rng.integers(0, MS, 20_000)
    enter, leave = rank_local(rng, 20_000, extra)
    truth = np.sort(100 * US + extra)
    makespan = on_one_clock(enter, leave).makespan_ns
    typical = summarise(makespan).mean_us / (truth.mean() / US) - 1
    of_means = float((leave - enter).mean(axis=1).max() / truth.mean() - 1)

    kept, per_rank = LogHistogram.from_ns(makespan), LogHistogram.from_ns((leave - enter)[0])
    for rank in range(1, RANKS):
        per_rank = per_rank.merge(LogHistogram.from_ns((leave - enter)[rank]))
    distance, of_ranks = (ks_distance(each, truth) for each in (kept, per_rank))
    holds = abs(typical) < 0.001 and distance < 0.02
    measured = f"{typical:+.1%} (maximum of means {of_means:+.0%}), KS {distance:.3f} (of merged ranks {of_ranks:.2f})"
    truth_table.add("P2, P5 another rank is slow in each call", "truth, KS < 0.02", measured, holds, WHERE)
    assert holds, measured
    assert of_means < -0.5
    assert of_ranks > 0.5


def ks_distance(histogram: LogHistogram, truth: Ints) -> float:
    """Return the distance between two distributions at the edges of the histogram's bins, where it is exact."""
    edges = np.power(1.02, np.array(histogram.bins))
    shares = np.cumsum(histogram.counts) / histogram.n
    return float(np.abs(shares - np.searchsorted(truth, edges, side="right") / len(truth)).max())


def test_P3_percentiles_are_over_calls_not_over_ranks(truth_table: TruthTable) -> None:
    times = np.tile([1 * MS, 3 * MS], 500)
    starts = np.arange(1000) * 100 * MS
    enter = np.tile(starts, (RANKS, 1))
    got = summarise(on_one_clock(enter, enter + times).latency_ns)
    rank_means = (np.tile(times, (RANKS, 1))).mean(axis=1) / MS
    holds = (got.p50_us, got.p95_us) == (1000.0, 3000.0)
    measured = f"p50 {got.p50_us:.0f} us, p95 {got.p95_us:.0f} us (over ranks' means: {np.median(rank_means):.0f} ms)"
    truth_table.add("P3 all ranks alike, calls of 1 and 3 ms by turns", "p50 1 ms, p95 3 ms", measured, holds, WHERE)
    assert holds


def test_P4_no_mean_over_ranks_before_the_percentile(truth_table: TruthTable) -> None:
    rng = np.random.default_rng(4)
    enter, leave = rank_local(rng, 2000, plant(rng, 2000, 0.05, np.full(2000, 10 * MS)))
    got = summarise(on_one_clock(enter, leave).makespan_ns)
    averaged = np.quantile((leave - enter).mean(axis=0), 0.99) / MS
    holds = abs(got.p99_us / 10_100 - 1) < 0.001
    measured = f"p99 {got.p99_us / 1000:.1f} ms (of means over ranks: {averaged:.1f} ms)"
    truth_table.add("P4 one of four ranks 10 ms late in 5 % of calls", "p99 10.1 ms", measured, holds, WHERE)
    assert holds


def test_P21_twenty_calls_have_no_p99(truth_table: TruthTable) -> None:
    chance = exceed_probability(20)
    holds = quantile_ranks(20, 0.99) is None and not upper_bound_exists(20, 0.99) and round(chance, 2) == 0.14
    visits = [np.arange(1, 11) * US, np.arange(1, 11) * US]
    holds = holds and cluster_interval(visits, 0.99) is None
    measured = f"neither interval nor bound; the next call is slower than the worst with up to {chance:.1%}"
    truth_table.add("P21 n = 20", "no p99, exceeded with 14 %", measured, holds, WHERE)
    assert holds


def test_P22_the_worst_of_more_calls_is_worse_and_no_regression(truth_table: TruthTable) -> None:
    """What may be compared, a count beyond a fixed time at its n, stays; the worst does not."""
    rng = np.random.default_rng(22)
    few, many = np.exp(0.3 * rng.standard_normal((500, 20))), np.exp(0.3 * rng.standard_normal((500, 2000)))
    worse = float((many.max(axis=1) > 1.1 * few.max(axis=1)).mean())
    share_few, share_many = (float((times > 1.5).mean()) for times in (few, many))
    holds = worse > 0.9 and abs(share_few - share_many) < 0.01 and exceed_probability(2000) < exceed_probability(20)
    measured = f"worst 10 % up in {worse:.0%} of pairs, share beyond a fixed time {share_few:.1%} and {share_many:.1%}"
    measured += f"; the worst stands for p{100 * (1 - exceed_probability(20)):.0f} and "
    measured += f"p{100 * (1 - exceed_probability(2000)):.2f}"
    truth_table.add("P22 one law at n = 20 and 2000", "no regression", measured, holds, WHERE)
    assert holds, measured


def test_P26_no_call_is_dropped(truth_table: TruthTable) -> None:
    rng = np.random.default_rng(26)
    stall = plant(rng, 2000, 0.1, np.full(2000, 5 * MS))
    stamps = play(rng, RANKS, 2000, stall_ns=stall)
    calls = on_one_clock(stamps.enter_ns, stamps.exit_ns)
    counts = (summarise(calls.latency_ns).n, LogHistogram.from_ns(calls.latency_ns).n, len(calls.makespan_ns))
    tagged = {event.call for event in find_events(calls, 0)}
    worst = set(worst_calls(calls.latency_ns, 200).tolist())
    planted = set(np.flatnonzero(stall).tolist())
    holds = counts == (2000, 2000, 2000) and tagged == planted == worst
    measured = f"{counts[0]} out, {len(tagged)} tagged, {len(tagged - planted)} of them wrongly"
    truth_table.add("P26 10 % of 2000 calls are slow", "2000 out, 200 tagged", measured, holds, WHERE)
    assert holds, measured


def test_a_periodic_stall_is_weighed_by_its_time(truth_table: TruthTable) -> None:
    """20 ms every second among calls of 100 us: one call in ten thousand, two percent of the time."""
    times = np.full(98_000, 100 * US)
    times[::9800] = 20 * MS
    share = time_share_slow(times)
    holds = abs(share - 0.02) <= 0.005
    truth_table.add(
        "coordinated omission: 20 ms stall every 1 s", "2 % +- 0.5 of the time", f"{share:.2%}", holds, WHERE
    )
    assert holds
