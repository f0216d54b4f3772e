"""The upkeep of a store in a bucket: the same functions, the same promises."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pandas as pd
import pytest

from commbench.store.check import check
from commbench.store.compact import compact
from commbench.store.prune import choose, remove
from commbench.store.store import Store
from commbench.store.totals import totals
from tests.stress.s3_server import CREDENTIALS, make_bucket, s3_server

from .upkeep_store import append_night, fill, night

pytest.importorskip("moto", reason="moto is not installed: pip install -e .[dev]")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    with s3_server() as port:
        for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}.items():
            monkeypatch.setenv(name, value)
        make_bucket(port, "nights")
        yield Store.open("s3://nights/team", create=True)


def test_a_bucket_is_compacted_checked_counted_and_pruned_as_a_folder_is(store: Store) -> None:
    fill(store)
    before = store.points(columns=["run_id", "started_at", "busbw_gb_s"])
    assert [done.state for done in compact(store.medium)] == ["built"] * 6
    pd.testing.assert_frame_equal(store.points(columns=["run_id", "started_at", "busbw_gb_s"]), before)
    assert check(store.medium).is_sound
    assert totals(store.medium).runs == 6

    append_night(store, "run-0525", night(5, 25))
    assert len(store.points(columns=["run_id"])) == 14
    assert sorted(done.state for done in compact(store.medium)) == ["built", "built", *["current"] * 4]
    assert len(store.medium.keys("_cache")) == 6

    removals = choose(store.medium, datetime(2026, 4, 1, tzinfo=UTC), ("samples",))
    remove(store.medium, removals, datetime(2026, 6, 1, tzinfo=UTC))
    assert len(store.medium.keys("samples")) == 5
    assert check(store.medium).is_sound
    store.medium.delete("samples/month=2026-05/run-0525-s0.parquet")
    assert not check(store.medium).is_sound
