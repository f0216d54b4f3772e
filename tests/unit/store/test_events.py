"""Slow calls are blamed for good: cause, rank and size are in the stored row and in what `show --tail` prints."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from commbench.model.result import Samples
from commbench.report.tail import tail_table
from commbench.store.store import Store
from tests.truth.virtual import MS, on_rank, play

from .factory import make_point, make_record, make_result
from .test_pitfalls import OLD

RANKS, CALLS = 4, 200
LATE = {20: 5, 60: 20, 100: 7}  # call: how late rank 3 comes, in ms
STALLED, STALL_MS = 140, 2
WAITED, WAIT_MS = 180, 3  # rank 2 is ready to run and does not, and all wait for it


def stored(folder: Path, late_ms: dict[int, int], stall_ms: int = 0, wait_ms: int = 0) -> Store:
    """Return a store with one point, of calls of 0.4 ms, in which all this is planted."""
    late, stall, waits = np.zeros((3, CALLS), dtype=np.int64)
    late[list(late_ms)] = [ms * MS for ms in late_ms.values()]
    stall[[STALLED, WAITED]] = stall_ms * MS, wait_ms * MS
    waits[WAITED] = wait_ms * MS
    stamps = play(np.random.default_rng(1), RANKS, CALLS, late_ns=on_rank(late, 3, RANKS), stall_ns=stall)
    samples = Samples(stamps.enter_ns, stamps.exit_ns, on_rank(waits, 2, RANKS))
    result = make_result(make_point(world_size=RANKS), samples=samples, visit_calls=(CALLS,))
    store = Store.open(folder, create=True)
    store.append(make_record("r", result))
    return store


def row_of(store: Store) -> dict[str, Any]:
    (row,) = store.points().to_dict("records")
    return {str(name): value for name, value in row.items()}


def test_a_late_rank_that_the_latency_does_not_show_is_named_and_sized_in_row_and_tail(tmp_path: Path) -> None:
    store = stored(tmp_path, LATE)
    row = row_of(store)
    assert row["latency_max_us"] < 2 * row["latency_p50_us"], "L shows it, so this proves nothing"
    (event,) = json.loads(row["worst_events_json"])
    assert (event["cause"], event["rank"], event["call"]) == ("arrival", 3, 60)
    assert event["size_us"] == pytest.approx(20_000, rel=0.01)
    assert event["blame"] == "arrival: rank 3, 20 ms"
    assert "largest slow calls: arrival: rank 3, 20 ms (call 60)" in tail_table(store.points())


def test_the_largest_event_of_each_cause_is_stored_and_printed_beside_the_counts(tmp_path: Path) -> None:
    store = stored(tmp_path, LATE, STALL_MS, WAIT_MS)
    row = row_of(store)
    assert [row[f"events_{cause}"] for cause in ("arrival", "host", "transport")] == [len(LATE), 1, 1]
    events = json.loads(row["worst_events_json"])
    assert [(each["cause"], each["rank"], each["call"]) for each in events] == [
        ("arrival", 3, 60),
        ("host", 2, WAITED),
        ("transport", None, STALLED),
    ]
    printed = tail_table(store.points())
    assert all(f"{each['blame']} (call {each['call']})" in printed for each in events)
    assert row["blame"].startswith("host: rank 2"), "the worst case is still of L"


def test_the_calls_that_the_job_waited_for_are_kept_with_every_ranks_stamps(tmp_path: Path) -> None:
    worst = json.loads(row_of(stored(tmp_path, LATE, STALL_MS))["worst_calls_json"])
    assert worst[0]["call"] == STALLED
    assert [each["latency_us"] for each in worst[:10]] == sorted((e["latency_us"] for e in worst[:10]), reverse=True)
    kept = {each["call"]: each for each in worst}
    assert len(kept) == len(worst) <= 20
    for call, late_ms in LATE.items():
        told = kept[call]
        assert (told["cause"], told["rank"]) == ("arrival", 3)
        assert told["blame"].startswith("arrival: rank 3, ")
        assert told["size_us"] == pytest.approx(late_ms * 1000, rel=0.01)
        assert told["makespan_us"] > told["size_us"] > told["latency_us"]
        assert len(told["enter_ns"]) == len(told["exit_ns"]) == RANKS


def test_time_that_the_job_waited_for_a_late_rank_is_slow_time(tmp_path: Path) -> None:
    row = row_of(stored(tmp_path, LATE))
    slow_ms = sum(LATE.values())
    assert row["slow_time_share"] == pytest.approx(slow_ms / (slow_ms + 0.4 * CALLS), rel=0.05)


def test_quiet_calls_have_no_largest_event(tmp_path: Path) -> None:
    store = stored(tmp_path, {})
    assert row_of(store)["worst_events_json"] == "[]"
    assert "\n    largest" not in tail_table(store.points())


def test_the_tail_of_a_store_from_before_the_events_is_shown_without_them() -> None:
    points = Store.open(OLD, create=False).points()
    assert points["worst_events_json"].isna().all()
    assert "\n    largest" not in tail_table(points)
