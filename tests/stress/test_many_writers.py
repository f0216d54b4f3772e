"""Many writers, random kills, readers all the while: every acknowledged run is there once, and no reader fails.

`make stress` runs the full size and prints what happened.
"""

import os
import random
import threading
from collections import Counter
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from commbench.store.columns import DATASETS
from commbench.store.store import Store
from commbench.store.verify import verify
from tests.stress.crowd import Aftermath, Crowd, let_loose
from tests.stress.faulty_proxy import Fault, FaultyProxy
from tests.stress.s3_server import CREDENTIALS, make_bucket, s3_server
from tests.stress.writer import POINTS_A_RUN

IS_FULL = os.environ.get("COMMBENCH_STRESS") == "full"
LIMIT_S = 3000 if IS_FULL else 100
if IS_FULL:
    FOLDER = Crowd(16, 200, 1000, ("pandas", "store"), LIMIT_S)
    BUCKET = Crowd(16, 200, 300, ("store",), LIMIT_S)
else:
    FOLDER = Crowd(16, 6, 16, ("pandas", "store"), LIMIT_S)
    BUCKET = Crowd(8, 4, 6, ("store",), LIMIT_S)
FAULTS = (Fault.CONFLICT, Fault.SLOW_DOWN, Fault.RESET, Fault.RESET_AFTER)
FAULT_SHARE = 0.05  # of all requests, by each kind

pytestmark = [pytest.mark.alone, pytest.mark.timeout(LIMIT_S + 300)]


def _assert_every_run_is_there_once(store: Store, crowd: Crowd, after: Aftermath) -> None:
    names = crowd.run_names
    assert set(after.acknowledged) == names
    points, runs = store.points(), store.runs()
    assert len(points) == POINTS_A_RUN * len(names)
    assert not points.duplicated(["run_id", "point_id", "attempt"]).any()
    assert sorted(runs["run_id"]) == sorted(names)
    for dataset in DATASETS:
        keys = store.medium.keys(dataset)
        assert len(keys) in {0, len(names)}, dataset  # none in datasets that are not measured
        for key in keys:
            verify(store.medium, dataset, key)
    assert after.reads["ok"] > 0
    assert set(after.reads) == {"ok"}
    assert after.kills == crowd.kills


def test_on_a_folder_every_acknowledged_run_is_there_once_and_no_reader_fails(tmp_path: Path) -> None:
    place = tmp_path / "results"
    Store.open(place, create=True)
    after = let_loose(FOLDER, str(place), tmp_path, {})
    _assert_every_run_is_there_once(Store.open(place, create=False), FOLDER, after)
    frame = pd.read_parquet(place / "points")
    assert len(frame) == POINTS_A_RUN * len(FOLDER.run_names)
    files = [path for dataset in DATASETS for path in (place / dataset).rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".parquet"}
    assert all(pq.read_metadata(path).num_rows for path in files)
    leftovers = len(list((place / "_staging").iterdir()))
    assert leftovers <= after.kills  # each kill may leave the one file that was being written
    print(f"\nfolder: {after}, {leftovers} staging files left behind")


class _RandomFaults:
    """Each kind of fault with the same chance; a reset after the commit is the one that must not double a run."""

    def __init__(self) -> None:
        self._dice, self._lock = random.Random(7), threading.Lock()

    def __call__(self, method: str, path: str) -> Fault | None:
        with self._lock:
            roll = self._dice.random() / FAULT_SHARE
        return FAULTS[int(roll)] if roll < len(FAULTS) else None


def test_on_a_bucket_with_conflicts_overload_and_lost_answers_every_acknowledged_run_is_there_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with s3_server() as port, FaultyProxy(port, _RandomFaults()) as proxy:
        make_bucket(port, "nights")
        after = let_loose(BUCKET, "s3://nights/team", tmp_path, {**CREDENTIALS, "AWS_ENDPOINT_URL": proxy.url})
        faults: Counter[str] = Counter({fault.value: proxy.seen[fault.value] for fault in FAULTS})
        assert all(faults[fault.value] for fault in FAULTS)
        for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}.items():
            monkeypatch.setenv(name, value)
        _assert_every_run_is_there_once(Store.open("s3://nights/team", create=False), BUCKET, after)
    print(f"\nbucket: {after}, {proxy.seen['PUT']} PUTs, {proxy.seen['GET']} GETs, faults: {dict(faults)}")
