import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commbench.errors import StoreError, UsageError
from commbench.model.result import Samples, Status
from commbench.store.columns import DATASETS
from commbench.store.store import Store

from .factory import STARTED_AT_NS, lost_result, make_point, make_record, make_result, make_samples, wrong_result

DAY_NS = 24 * 3600 * 10**9


def test_pandas_reads_every_dataset_plainly(store: Store) -> None:
    store.append(make_record("run-1"))
    store.append(make_record("run-2", lost_result(make_point())))
    for dataset, row_count in {"points": 3, "samples": 6, "runs": 2}.items():
        frame = pd.read_parquet(store.path / dataset)
        assert len(frame) == row_count
        assert list(frame.columns) == [*(column.name for column in DATASETS[dataset]), "month"]
        assert set(frame["month"]) == {"2026-03"}


def test_an_empty_store_gives_empty_frames_with_all_columns(store: Store) -> None:
    frames = {"points": store.points(), "samples": store.samples("run-1"), "runs": store.runs()}
    for dataset, frame in frames.items():
        assert len(frame) == 0
        assert list(frame.columns) == [column.name for column in DATASETS[dataset]]
    assert store.run_ids() == ()
    assert len(Store.latest_attempts(frames["points"])) == 0


def test_points_of_one_run_and_of_chosen_values(store: Store) -> None:
    store.append(make_record("run-1"))
    store.append(make_record("run-1-s2", wrong_result(make_point())))  # a name that looks like a session of run-1
    assert set(store.points("run-1")["run_id"]) == {"run-1"}
    assert list(store.points(status="wrong_result")["run_id"]) == ["run-1-s2"]
    assert len(store.points(status=["ok", "wrong_result"], collective="all_reduce", is_simulated=False)) == 3
    assert list(store.points("run-1", columns=["size_bytes"], point_id=1)["size_bytes"]) == [4096]
    with pytest.raises(ValueError, match="points has no column 'sise'"):
        store.points(sise=3)


def test_points_since_a_day_leave_older_months_unread(store: Store) -> None:
    for day in (0, 40, 80):
        began = STARTED_AT_NS + day * DAY_NS
        result = make_result(started_at_ns=began)
        store.append(make_record(f"run-{day}", result, started_at_ns=began))
    next(store.path.glob("points/month=2026-03/*")).write_bytes(b"never opened")
    since = datetime(2026, 5, 1, tzinfo=UTC)
    assert list(store.points(since=since)["run_id"]) == ["run-80"]
    with pytest.raises(ValueError, match="time zone"):
        store.points(since=since.replace(tzinfo=None))


def test_samples_of_chosen_points_are_exact(store: Store) -> None:
    store.append(make_record("run-1"))
    frame = store.samples("run-1", [1])
    expected = make_samples(1)
    assert list(frame["rank"]) == [-1, 0, 1]
    np.testing.assert_array_equal(frame["time_ns"][0], expected.time_ns)
    np.testing.assert_array_equal(np.stack(list(frame["enter_ns"][1:])), expected.enter_ns)


def test_a_resumed_point_has_one_row_per_attempt(store: Store) -> None:
    points = [make_point(0), make_point(1)]
    store.append(make_record("run-1", make_result(points[0]), lost_result(points[1])))
    later = STARTED_AT_NS + 40 * DAY_NS  # resumed in another month
    store.append(make_record("run-1", make_result(points[1], attempt=1), session=1, started_at_ns=later))
    frame = store.points("run-1")
    assert list(zip(frame["point_id"], frame["attempt"], strict=True)) == [(0, 0), (1, 0), (1, 1)]
    assert list(Store.latest_attempts(frame)["status"]) == ["ok", "ok"]
    assert list(store.runs()["session"]) == [0, 1]
    assert store.run_ids() == ("run-1",)


def test_runs_are_resolved_newest_first(store: Store) -> None:
    store.append(make_record("b-new", started_at_ns=STARTED_AT_NS + DAY_NS))
    store.append(make_record("c-old"))
    assert store.run_ids() == ("b-new", "c-old")
    assert store.resolve_run("latest") == "b-new"
    assert store.resolve_run("c") == "c-old"
    with pytest.raises(UsageError, match="did you mean 'b-new'"):
        store.resolve_run("b-mew")


def test_sessions_published_whole_are_known(store: Store) -> None:
    store.append(make_record("run-1", session=2))
    assert store.has_session("run-1", 2)
    assert not store.has_session("run-1", 0)


def test_journals_lie_outside_the_datasets(store: Store) -> None:
    assert store.journals() == ()
    folder = store.journal_folder("run-1")
    folder.mkdir(parents=True)
    assert store.journals() == (folder,)
    assert folder == store.path / "_journal" / "run-1"


@pytest.mark.parametrize(
    "run_id", ["", "..", "../x", "a/b", "/etc/x", "a b", ".hidden", "_hidden", "-rf", "a\n", "a\0"]
)
def test_a_run_id_cannot_leave_the_store(store: Store, run_id: str) -> None:
    with pytest.raises(StoreError, match="cannot name a run"):
        store.append(make_record(run_id))
    with pytest.raises(StoreError, match="cannot name a run"):
        store.journal_folder(run_id)
    assert not (store.path / "points").exists()


def test_reading_needs_a_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no store at .*nowhere; make a run first"):
        Store.open(tmp_path / "nowhere", create=False)


def test_a_folder_copied_without_its_format_file_is_read(store: Store) -> None:
    store.append(make_record())
    (store.path / "_format.json").unlink()
    assert len(Store.open(store.path, create=False).points()) == 2


@pytest.mark.parametrize("create", [True, False])
def test_a_newer_format_is_refused(store: Store, create: bool) -> None:
    (store.path / "_format.json").write_text(json.dumps({"format": 2}))
    words = (
        r"was written by a newer commbench \(format 2, this one reads 1\); upgrade commbench or choose another --store"
    )
    with pytest.raises(StoreError, match=words):
        Store.open(store.path, create=create)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "x"}'])
def test_a_damaged_format_file_is_named(store: Store, text: str) -> None:
    (store.path / "_format.json").write_text(text)
    with pytest.raises(StoreError, match=r"_format\.json is damaged|format x"):
        Store.open(store.path, create=True)


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    file = tmp_path / "results"
    file.write_text("a file")
    for path in (file, file / "below", file / "far" / "below"):
        with pytest.raises(
            StoreError, match=r"results is not a folder, so .* cannot be a store; choose another --store"
        ):
            Store.open(path, create=True)
    with pytest.raises(StoreError, match="results is not a folder"):
        Store.open(file, create=False)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc, which even root cannot write")
def test_an_unwritable_store_is_refused_when_it_is_opened() -> None:
    for path in ("/proc/commbench", "/proc/self/task"):
        with pytest.raises(StoreError, match=r"the store /proc/\S+ cannot be written: .*; choose another --store"):
            Store.open(path, create=True)


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_TIMES = st.integers(0, 2**62)


@st.composite
def _results(draw: st.DrawFn) -> Any:
    ranks, calls = draw(st.integers(1, 3)), draw(st.integers(0, 4))
    point = make_point(
        draw(st.integers(0, 2**31 - 1)),
        collective=draw(st.sampled_from(["all_reduce", "all_gather", "all_to_all_v"])),
        requested_bytes=draw(st.integers(0, 2**40)),
        world_size=ranks,
        fabric=draw(_TEXT),
        traffic_skew=draw(st.floats(0, 3)),
        in_place=draw(st.booleans()),
    )
    enter = np.array(draw(st.lists(_TIMES, min_size=ranks * calls, max_size=ranks * calls)), dtype=np.int64)
    samples = Samples(enter.reshape(ranks, calls), enter.reshape(ranks, calls) + draw(st.integers(0, 2**61)))
    return make_result(
        point,
        attempt=draw(st.integers(0, 2**15 - 1)),
        status=draw(st.sampled_from(list(Status))),
        error=draw(_TEXT),
        samples=draw(st.sampled_from([None, samples])),
        first_call_us=draw(st.none() | st.floats(0, 1e12)),
        converged=draw(st.booleans()),
        hosts=draw(st.tuples() | st.tuples(_TEXT, _TEXT)),
    )


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    results=st.lists(_results(), max_size=4, unique_by=lambda result: (result.point.point_id, result.attempt)),
    run_id=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}", fullmatch=True),
    words=_TEXT,
)
def test_whatever_is_stored_reads_back_equal(
    tmp_path_factory: pytest.TempPathFactory, results: list[Any], run_id: str, words: str
) -> None:
    store = Store.open(tmp_path_factory.mktemp("store"), create=True)
    record = make_record(run_id, *results, reason=words, cluster=words, argv=(words,))
    store.append(record)
    store.append(record)
    points, runs, samples = store.points(run_id), store.runs(), store.samples(run_id)
    assert list(points["point_id"]) == [result.point.point_id for result in record.results]
    for row, result in zip(points.to_dict("records"), record.results, strict=True):
        assert row["fabric"] == result.point.fabric
        assert row["error"] == result.error
        assert row["status"] == result.status
        assert row["requested_bytes"] == result.point.requested_bytes
        assert row["traffic_skew"] == result.point.traffic_skew
        assert row["first_call_us"] == result.first_call_us or (result.first_call_us is None)
        assert row["started_at"].value == result.started_at_ns
        stored = samples[(samples["point_id"] == result.point.point_id) & (samples["attempt"] == result.attempt)]
        if result.samples is None or result.samples.enter_ns.size == 0:
            assert len(stored) == 0
        else:
            np.testing.assert_array_equal(stored["time_ns"].iloc[0], result.samples.time_ns)
            np.testing.assert_array_equal(np.stack(list(stored["time_ns"][1:])), result.samples.rank_time_ns)
            np.testing.assert_array_equal(np.stack(list(stored["enter_ns"][1:])), result.samples.enter_ns)
    assert list(runs["argv"][0]) == [words]
    assert runs["reason"][0] == runs["cluster"][0] == words
