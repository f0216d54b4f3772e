"""Sessions that wait in the spool reach their store once, whatever happens on the way."""

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from commbench.errors import StoreError, StoreUnavailableError
from commbench.store import spool
from commbench.store.push import Pushed, open_room, push, waiting
from commbench.store.store import Store

from .factory import make_point, make_record, make_result, make_samples

RUNS = ("run-1", "run-2")


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("COMMBENCH_SPOOL", str(tmp_path / "spool"))
    room = open_room(str(tmp_path / "results"))
    for run_id in RUNS:
        room.append(make_record(run_id))
    return room


def _assert_all_there_once(store: Store, room: Store, runs: Sequence[str] = RUNS) -> None:
    assert list(store.runs()["run_id"]) == list(runs)
    assert len(store.points()) == 2 * len(runs)
    assert waiting(room) == ()
    assert list(room.path.rglob("*.parquet")) == []


def test_a_push_moves_everything_and_a_second_one_finds_nothing(room: Store, store: Store) -> None:
    before = {path.name: path.read_bytes() for path in room.path.glob("points/*/*")}
    assert list(push(room, store)) == [Pushed(run_id, 0) for run_id in RUNS]
    _assert_all_there_once(store, room)
    assert {path.name: path.read_bytes() for path in store.path.glob("points/*/*")} == before
    assert list(push(room, store)) == []


def test_a_room_is_a_store_of_its_own_that_says_where_its_runs_belong(room: Store, tmp_path: Path) -> None:
    assert len(pd.read_parquet(room.path / "points")) == len(room.points()) == 4
    assert spool.rooms(tmp_path / "spool") == (room.path,)
    assert spool.destination_in(room.path) == str(tmp_path / "results")
    assert spool.rooms(room.path) == (room.path,)


def test_each_store_has_a_room_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    places = [
        "results",
        "s3://nights/results",
        "s3://nights/other",
        "s3://nights-results",
        str(tmp_path / "x" / "results"),
    ]
    assert len({spool.room_for(place) for place in places}) == len(places)
    assert spool.room_for("results") == spool.room_for(str(tmp_path / "results"))


class _Killed(BaseException):
    """What a kill looks like from inside."""


class _Mortal:
    """A medium that dies at the n-th thing it is asked to do."""

    def __init__(self, medium: Any, countdown: list[int]) -> None:
        self._medium, self._countdown = medium, countdown

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._medium, name)
        return self._counted(found) if name in {"read", "put", "delete", "fragment", "keys"} else found

    def _counted(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any) -> Any:
            self._countdown[0] -= 1
            if self._countdown[0] == 0:
                raise _Killed
            return call(*arguments)

        return counted


def test_a_push_killed_anywhere_is_completed_by_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # it is the process that dies here, not the machine
    deaths = 0
    for step in range(1, 200):
        monkeypatch.setenv("COMMBENCH_SPOOL", str(tmp_path / f"spool-{step}"))
        room, store = open_room("results"), Store.open(tmp_path / f"results-{step}", create=True)
        room.append(make_record("run-1"))
        countdown = [step]
        try:
            list(push(Store(_Mortal(room.medium, countdown)), Store(_Mortal(store.medium, countdown))))
        except _Killed:
            deaths += 1
            in_either = set(store.runs()["run_id"]) | {run_id for run_id, _ in waiting(room)}
            assert in_either == {"run-1"}
            list(push(room, store))
        else:
            break
        finally:
            _assert_all_there_once(store, room, ["run-1"])
    assert deaths > 15


def test_pushes_at_once_do_no_harm(room: Store, store: Store) -> None:
    faults: list[object] = []

    def one() -> None:
        try:
            faults.extend(each for each in push(room, store) if each.fault)
        except Exception as error:  # noqa: BLE001 - whatever it is, the test wants to see it
            faults.append(error)

    pushes = [threading.Thread(target=one) for _ in range(6)]
    for each in pushes:
        each.start()
    for each in pushes:
        each.join()
    assert faults == []
    _assert_all_there_once(store, room)


def test_a_run_that_its_store_holds_with_another_content_stays_and_the_others_go(room: Store, store: Store) -> None:
    store.append(make_record("run-1", make_result(make_point(0), samples=make_samples(99))))
    first, second = push(room, store)
    assert "is there with another content" in first.fault
    assert second == Pushed("run-2", 0)
    assert waiting(room) == (("run-1", 0),)
    assert len(room.points()) == 2


def test_a_damaged_file_stays_where_it_is_and_is_named(room: Store, store: Store) -> None:
    path = next(room.path.glob("points/*/run-1-s0.parquet"))
    path.write_bytes(path.read_bytes()[:-100])
    first, _ = push(room, store)
    assert str(path) in first.fault
    assert "stays where it is: damaged" in first.fault
    assert path.exists()
    assert list(store.runs()["run_id"]) == ["run-2"]


def test_a_session_that_was_spooled_in_part_waits_for_the_rest(room: Store, store: Store) -> None:
    next(room.path.glob("runs/*/run-1-s0.parquet")).unlink()
    assert list(push(room, store)) == [Pushed("run-2", 0)]
    assert len(list(room.path.glob("points/*/run-1-s0.parquet"))) == 1
    assert list(store.points()["run_id"].unique()) == ["run-2"]


def test_a_store_that_is_still_away_stops_a_push_and_everything_stays(room: Store, store: Store) -> None:
    store.path.rename(store.path.with_name("moved"))
    with pytest.raises(StoreUnavailableError, match="was removed, moved or unmounted since the store was opened"):
        list(push(room, store))
    assert waiting(room) == tuple((run_id, 0) for run_id in RUNS)
    assert not store.path.exists()


def test_a_spool_that_cannot_be_written_either_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COMMBENCH_SPOOL", str(tmp_path / "file"))
    with pytest.raises(StoreError, match=r"the spool cannot help either .* set COMMBENCH_SPOOL to a folder on a local"):
        open_room("results")
