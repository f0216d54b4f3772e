"""A sweep on real ranks measures, verifies and stores every point."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from commbench.collectives import COLLECTIVES
from tests.ranks.conftest import Sweep

pytestmark = pytest.mark.ranks


SIZED = [name for name, row in COLLECTIVES.items() if not row.is_bucketed]  # the others: test_bucketed.py


def test_every_collective_is_measured_right_on_every_rank_count(sweep: Callable[..., Sweep]) -> None:
    names = str(SIZED).replace("'", '"')
    run = sweep(collectives=names, sizes='["1KiB", "1MiB", 1000003]', ranks="[2, 3, 4]", iterations=5)
    done = run.run()
    assert done.returncode == 0, done.stderr
    points = run.points()
    assert set(points["collective"]) == set(SIZED)
    assert set(points["status"]) == {"ok"}
    assert not points.duplicated(["run_id", "point_id", "attempt"]).any()
    assert (points["iterations"] == 5).all()
    assert (points["time_min_us"] <= points["time_p50_us"]).all()
    assert (points["time_p99_us"] <= points["time_max_us"]).all()


def test_the_stored_time_of_a_call_is_the_maximum_over_ranks_of_that_call(sweep: Callable[..., Sweep]) -> None:
    run = sweep(ranks="[3]", sizes='["4KiB"]', iterations=20)
    assert run.run().returncode == 0
    samples = pd.read_parquet(run.store / "samples")
    by_rank = np.stack([np.array(times) for times in samples.loc[samples["rank"] >= 0, "time_ns"]])
    (maximum,) = samples.loc[samples["rank"] == -1, "time_ns"]
    assert by_rank.shape == (3, 20)
    assert (by_rank.max(axis=0) == np.array(maximum)).all()
    (p50_us,) = run.points()["time_p50_us"]
    assert round(p50_us * 1000) == np.sort(maximum)[9]


@pytest.mark.alone
def test_parked_ranks_use_no_cpu_while_others_are_measured(sweep: Callable[..., Sweep]) -> None:
    """Two of four ranks work; the other two must sleep in the kernel, not spin."""
    run = sweep(sizes='["64KiB"]', ranks="[2, 4]", iterations=1500)
    process = run.start()
    run.wait_for("started")
    boards = run.store.glob("_journal/*/progress/rank-*")
    pids = {path.name: int.from_bytes(path.read_bytes()[:8], "little") for path in boards}
    run.wait_until(lambda: run.journal_text().count('"kind":"started"') >= 1)
    before = {name: _cpu_ticks(pid) for name, pid in pids.items()}
    run.wait_for("result")
    used = {name: _cpu_ticks(pid) - before[name] for name, pid in pids.items()}
    process.kill()  # the point of four ranks is of no interest
    process.communicate()
    assert used["rank-0"] + used["rank-1"] > 0
    assert used["rank-2"] + used["rank-3"] <= max(2, 0.05 * (used["rank-0"] + used["rank-1"]))


def _cpu_ticks(pid: int) -> int:
    with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123 - procfs
        fields = file.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])  # proc(5): utime and stime
