"""P19: time that the adaptive rule needs, against the smallest fixed count that is as good for every size: design 3.6.

Replayed on simulated sizes whose noise is correlated within visits as it was recorded there: visits shift by 4 to 15 %
and calls of a visit resemble each other. `make bench` prints the table; the seed is fixed.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from commbench.measure.stopping import Adaptive
from commbench.model.plan import Stopping

EPSILON = 0.05
REPLAYS = 100
MAX_VISITS = 90
VISIT_NS, FEWEST, MOST = 20_000_000, 8, 400

Times = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Size:
    """A size: its median time, how much visits differ and how much calls of a visit do."""

    name: str
    median_ns: int
    between: float
    within: float

    @property
    def visit_calls(self) -> int:
        return int(np.clip(VISIT_NS / self.median_ns, FEWEST, MOST))

    def visits_ns(self, rng: np.random.Generator, visits: int, calls: int) -> Times:
        """Return times of shape (visits, calls); consecutive calls of a visit correlate by 0.8."""
        noise = rng.standard_normal((visits, calls))
        for i in range(1, calls):
            noise[:, i] = 0.8 * noise[:, i - 1] + 0.6 * noise[:, i]
        shift = self.between * rng.standard_normal((visits, 1))
        times: Times = (self.median_ns * np.exp(shift + self.within * noise)).astype(np.int64)
        return times


SIZES = (
    Size("8 B", 150_000, 0.10, 0.15),
    Size("4 KiB", 140_000, 0.08, 0.15),
    Size("64 KiB", 150_000, 0.12, 0.15),
    Size("1 MiB", 425_000, 0.15, 0.30),
    Size("4 MiB", 1_700_000, 0.06, 0.15),
    Size("16 MiB", 7_000_000, 0.04, 0.10),
)


def adaptive(size: Size, rng: np.random.Generator) -> tuple[float, float, float]:
    """Return the share of replays within the target, the mean time in s, and the median number of calls."""
    rule = Adaptive(Stopping("adaptive", epsilon=EPSILON, max_visits=MAX_VISITS, budget_s=1e9))
    rows = []
    for _ in range(REPLAYS):
        population = size.visits_ns(rng, MAX_VISITS, size.visit_calls)
        visits: list[Times] = []
        while rule.next_visit(visits, size.visit_calls, 1e9):
            visits.append(population[len(visits)])
        seen = np.concatenate(visits)
        rows.append((abs(np.median(seen) / size.median_ns - 1) <= EPSILON, seen.sum() / 1e9, len(seen)))
    table = np.array(rows, dtype=float)
    return float(table[:, 0].mean()), float(table[:, 1].mean()), float(np.median(table[:, 2]))


def within_when_fixed(size: Size, rng: np.random.Generator, calls: int) -> float:
    """Return the share of replays within the target when so many calls are spread over visits of the usual length."""
    visits = max(1, round(calls / size.visit_calls))
    length = min(calls, size.visit_calls)
    medians = np.array([np.median(size.visits_ns(rng, visits, length)) for _ in range(REPLAYS)])
    return float((np.abs(medians / size.median_ns - 1) <= EPSILON).mean())


def smallest_fixed(rng: np.random.Generator) -> int:
    """Return the smallest count, in steps of a tenth, that is within the target in 95 % of replays for every size."""
    calls = 100
    while min(within_when_fixed(size, rng, calls) for size in SIZES) < 0.95:
        calls = round(calls * 1.1) + 1
    return calls


def test_P19_adaptive_takes_less_time_than_any_fixed_count_that_is_as_good(
    benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    if benchmark.disabled:
        pytest.skip("a benchmark: make bench")
    rng = np.random.default_rng(36)
    run = lambda: {size.name: adaptive(size, rng) for size in SIZES}  # noqa: E731 - once, timed
    outcomes = benchmark.pedantic(run, rounds=1, iterations=1)  # type: ignore[no-untyped-call]
    count = smallest_fixed(rng)
    fixed_s = sum(count * size.median_ns for size in SIZES) / 1e9
    adaptive_s = sum(seconds for _, seconds, _ in outcomes.values())
    with capsys.disabled():
        print(f"\n\nshare of {REPLAYS} replays within {EPSILON:.0%} of the truth")
        print("size      n = 5  n = 20  adaptive  calls of adaptive")
        for size in SIZES:
            few = [within_when_fixed(size, rng, n) for n in (5, 20)]
            share, _, calls = outcomes[size.name]
            print(f"{size.name:8} {few[0]:6.0%} {few[1]:7.0%} {share:9.0%} {calls:18.0f}")
        print(
            f"adaptive {adaptive_s:.1f} s; fixed n = {count} for every size {fixed_s:.1f} s, "
            f"{fixed_s / adaptive_s:.1f} x as long"
        )
    shares = [share for share, _, _ in outcomes.values()]
    assert np.mean(shares) >= 0.93
    assert adaptive_s < fixed_s
