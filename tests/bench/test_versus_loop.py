"""commbench beside a loop written by hand, for every size: `make bench` prints the ratios."""

from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.bench.loops import versus_loop

pytestmark = [pytest.mark.alone, pytest.mark.ranks, pytest.mark.timeout(300)]

COLLECTIVES = '["all_reduce", "all_gather", "all_to_all"]'
SIZES = '["64", "4KiB..16MiB x16"]'
SECONDS_PER_SIZE = 1.0


@pytest.mark.parametrize("ranks", [2, 4])
def test_commbench_and_a_hand_written_loop_take_the_same_time(
    ranks: int, tmp_path: Path, benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    if benchmark.disabled:
        pytest.skip("a benchmark: make bench")
    arguments = (tmp_path, ranks, SECONDS_PER_SIZE, COLLECTIVES, SIZES)
    rows = benchmark.pedantic(versus_loop, arguments, rounds=1, iterations=1)  # type: ignore[no-untyped-call]
    with capsys.disabled():
        print(f"\n\np50 in us over calls of the slowest rank, {ranks} ranks; ratio with 95 % interval")
        for row in rows:
            interval = f"{row['ratio']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
            times = f"{row['commbench_us']:12.1f} {row['loop_us']:12.1f}"
            print(f"{row['collective']:>12} {row['size_bytes']:>10} {times}  {interval}")
    assert rows
    assert all(row["ratio"] > 0 for row in rows)
