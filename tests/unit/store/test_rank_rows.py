from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commbench.model.environment import HostFacts
from commbench.model.result import PointResult, Samples
from commbench.store.rank_rows import ranks_table

from .factory import lost_result, make_point, make_record, make_result, make_samples

MS = 1_000_000


def _result(enter_ns: list[list[int]], exit_ns: list[list[int]], wait_ns: list[list[int]] | None = None) -> PointResult:
    arrays = [np.array(each, dtype=np.int64) for each in (enter_ns, exit_ns)]
    waits = None if wait_ns is None else np.array(wait_ns, dtype=np.int64)
    ranks, calls = arrays[0].shape
    return make_result(
        make_point(world_size=ranks), samples=Samples(arrays[0], arrays[1], waits), visit_calls=(calls,), hosts=("a",)
    )


def test_a_rank_that_comes_late_is_last_in_its_share_of_the_calls() -> None:
    enter = [[0, 10 * MS, 20 * MS, 30 * MS], [5, 10 * MS + 5, 20 * MS + 5, 30 * MS - 5]]
    leave = [[start + MS for start in row] for row in enter]
    first, second = ranks_table(make_record("r", _result(enter, leave))).to_pylist()
    assert (first["last_share"], second["last_share"]) == (0.25, 0.75)
    assert (first["host"], second["host"]) == ("a", None)
    assert {first["gpu"], second["gpu"]} == {""}


def test_times_are_each_ranks_own() -> None:
    enter = [[0, 10 * MS, 20 * MS]] * 2
    leave = [[1000, 10 * MS + 2000, 20 * MS + 4000], [3000, 10 * MS + 3000, 20 * MS + 3000]]
    first, second = ranks_table(make_record("r", _result(enter, leave, [[0, 3000, 0], [0, 0, 0]]))).to_pylist()
    names = ("time_min_us", "time_p50_us", "time_p99_us", "time_max_us", "wait_mean_us", "wait_max_us")
    assert [first[name] for name in names] == [1.0, 2.0, 4.0, 4.0, 1.0, 3.0]
    assert [second[name] for name in names] == [3.0, 3.0, 3.0, 3.0, 0.0, 0.0]
    assert sum(first["hist_count"]) == first["iterations"] == 3


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32), ranks=st.integers(1, 5), calls=st.integers(1, 30))
def test_shares_add_up_and_histograms_hold_every_call(seed: int, ranks: int, calls: int) -> None:
    result = make_result(
        make_point(world_size=ranks), samples=make_samples(seed, ranks, calls), visit_calls=(calls,), hosts=()
    )
    rows = ranks_table(make_record("r", result)).to_pylist()
    assert [row["rank"] for row in rows] == list(range(ranks))
    assert sum(row["last_share"] for row in rows) == pytest.approx(1)
    assert {sum(row["hist_count"]) for row in rows} == {calls}
    assert all(row["time_min_us"] <= row["time_p50_us"] <= row["time_p99_us"] <= row["time_max_us"] for row in rows)


def test_ranks_of_a_host_take_its_gpus_in_turn() -> None:
    record = make_record("r", make_result(make_point(world_size=3, backend="nccl"), samples=make_samples(0, 3)))
    hosts = (HostFacts("a", ranks=(0, 2), gpus=("H200",)), HostFacts("b", ranks=(1,), gpus=("B200", "B300")))
    environment = replace(record.environment, hosts=hosts)
    gpus = {
        backend: [
            row["gpu"]
            for row in ranks_table(
                replace(record, environment=environment, plan=replace(record.plan, backend=backend))
            ).to_pylist()
        ]
        for backend in ("nccl", "gloo")
    }
    assert gpus == {"nccl": ["H200", "B200", "H200"], "gloo": ["", "", ""]}


def test_a_lost_point_has_no_ranks() -> None:
    assert ranks_table(make_record("r", lost_result(make_point()))).num_rows == 0
