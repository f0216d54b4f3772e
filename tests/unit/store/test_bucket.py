"""A store in a bucket: the same promises as in a folder, also when the server has a bad day."""

import itertools
import sys
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest

from commbench.errors import StoreError, StoreUnavailableError, UsageError
from commbench.store import bucket
from commbench.store.bucket import Bucket
from commbench.store.store import Store
from tests.stress.faulty_proxy import Fault, FaultyProxy
from tests.stress.s3_server import CREDENTIALS, make_bucket, s3_server

from .factory import make_point, make_record, make_result, make_samples

pytest.importorskip("moto", reason="moto is not installed: pip install -e .[dev]")

PASSING = [Fault.CONFLICT, Fault.SLOW_DOWN, Fault.BROKEN, Fault.RESET, Fault.RESET_AFTER]
_numbers = itertools.count()


class Script:
    """Faults for the next requests of one method."""

    def __init__(self) -> None:
        self.method = ""
        self.faults: list[Fault] = []

    def __call__(self, method: str, path: str) -> Fault | None:
        return self.faults.pop(0) if method == self.method and self.faults else None

    def set(self, method: str, *faults: Fault) -> None:
        self.method, self.faults = method, list(faults)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with s3_server() as port:
        yield port


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def proxy(port: int, script: Script, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyProxy]:
    with FaultyProxy(port, script) as proxy:
        for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": proxy.url}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(bucket, "PATIENCE_S", 5.0)
        monkeypatch.setattr(bucket, "_FIRST_WAIT_S", 0.02)
        yield proxy


@pytest.fixture
def place(port: int, proxy: FaultyProxy) -> str:
    name = f"nights-{next(_numbers)}"
    make_bucket(port, name)
    return f"s3://{name}/team/results"


@pytest.fixture
def store(place: str) -> Store:
    return Store.open(place, create=True)


def test_a_record_comes_back_as_from_a_folder(store: Store, tmp_path: Any) -> None:
    folder = Store.open(tmp_path / "results", create=True)
    for each in (store, folder):
        each.append(make_record("run-1"))
        each.append(make_record("run-1-s2"))
    for frames in zip(*([each.points(), each.samples("run-1"), each.runs()] for each in (store, folder)), strict=True):
        assert pa.Table.from_pandas(frames[0]) == pa.Table.from_pandas(frames[1])
    assert store.resolve_run("latest") == "run-1-s2"
    assert store.has_session("run-1", 0)
    assert (
        store.medium.keys("points") == [f"points/month=2026-03/{run}-s0.parquet" for run in ("run-1-s2", "run-1")][::-1]
    )
    assert store.medium.sizes("points").keys() == set(store.medium.keys("points"))


def test_publishing_twice_puts_nothing_and_another_content_is_refused(store: Store, proxy: FaultyProxy) -> None:
    store.append(make_record())
    before = proxy.seen["PUT"]
    store.append(make_record())
    assert proxy.seen["PUT"] == before
    with pytest.raises(StoreError, match=r"s3://.*run-1-s0\.parquet is there with another content.*nothing was overwr"):
        store.append(make_record("run-1", make_result(make_point(0), samples=make_samples(99))))
    assert len(store.points()) == 2


@pytest.mark.parametrize("fault", PASSING)
def test_a_put_that_goes_wrong_is_repeated_until_the_file_is_there_once(
    store: Store, script: Script, proxy: FaultyProxy, fault: Fault
) -> None:
    script.set("PUT", fault, fault, *PASSING)
    store.append(make_record())
    assert proxy.seen[fault.value] >= 3
    assert script.faults == []
    assert (len(store.points()), len(store.runs())) == (2, 1)


@pytest.mark.parametrize("fault", PASSING)
def test_a_read_that_goes_wrong_is_repeated(store: Store, script: Script, fault: Fault) -> None:
    store.append(make_record())
    script.set("GET", fault, fault, fault)
    assert len(store.points()) == 2
    assert script.faults == []


def test_a_conflict_is_not_taken_for_a_file_that_is_there(store: Store, script: Script, proxy: FaultyProxy) -> None:
    script.set("PUT", Fault.CONFLICT)
    assert store.medium.put("points/x", b"x")
    assert not store.medium.put("points/x", b"y")
    assert store.medium.read("points/x") == b"x"


def test_a_server_that_stays_busy_makes_the_store_unavailable(
    store: Store, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.set("PUT", *[Fault.SLOW_DOWN] * 1000)
    busy = Store(Bucket(store.place, patience_s=0.3))
    with pytest.raises(StoreUnavailableError, match=r"cannot write s3://\S+: the server answered 503"):
        busy.append(make_record())
    script.set("")
    assert len(store.runs()) == 0


def test_refusals_are_said_at_once_and_are_not_called_unavailable(store: Store, script: Script) -> None:
    script.set("PUT", Fault.DENIED)
    with pytest.raises(StoreError, match="access denied; check AWS_ACCESS_KEY_ID") as caught:
        store.append(make_record())
    assert not isinstance(caught.value, StoreUnavailableError)


def test_a_server_that_would_overwrite_is_refused(place: str, proxy: FaultyProxy) -> None:
    proxy.dropped_header = "if-none-match"
    with pytest.raises(StoreError, match="replaces files that are there"):
        Store.open(place, create=True)


def test_a_bucket_that_is_not_there_is_named(proxy: FaultyProxy) -> None:
    for act in (
        lambda: Store.open("s3://no-such-bucket/x", create=True),
        Store.unchecked("s3://no-such-bucket/x").runs,
    ):
        with pytest.raises(StoreError, match=r"s3://no-such-bucket/x\S*: there is no such bucket; create it") as caught:
            act()
        assert not isinstance(caught.value, StoreUnavailableError)


def test_a_server_that_is_away_makes_the_store_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {**CREDENTIALS, "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(bucket, "PATIENCE_S", 0.3)
    with pytest.raises(StoreUnavailableError, match="the server cannot be reached; check AWS_ENDPOINT_URL"):
        Store.open("s3://nights/results", create=True)


@pytest.mark.parametrize(
    "place", ["s3://", "s3://a", "s3://key:secret@bucket/x", "s3://Bucket/x", "s3://bucket/../x", "s3://bucket/a//b"]
)
def test_other_spellings_are_refused_without_repeating_what_may_hold_a_key(place: str) -> None:
    with pytest.raises(UsageError, match="is written s3://bucket/prefix") as caught:
        Store.open(place, create=True)
    assert "secret@" not in str(caught.value)


def test_without_obstore_one_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(StoreError, match="a store in a bucket needs obstore; install it: pip install"):
        Store.open("s3://nights/results", create=True)


def test_no_message_tells_a_key(store: Store, script: Script) -> None:
    for fault in (Fault.DENIED, Fault.SLOW_DOWN):
        script.set("PUT", *[fault] * 100)
        with pytest.raises(StoreError) as caught:
            Store(Bucket(store.place, patience_s=0.2)).append(make_record())
        assert not any(secret in str(caught.value) for secret in CREDENTIALS.values() if "test" in secret)
