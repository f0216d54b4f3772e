"""Clocks that are wrong and runs that begin together spoil nothing."""

import sys
import time
from collections.abc import Callable

import pytest

from commbench.cli.main import main
from commbench.launch import session
from commbench.store.store import Store

from .command import TINY, TINY_POINTS, Workplace

HOUR_NS = 3600 * 10**9


@pytest.fixture
def here(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    monkeypatch.chdir(workplace.path)
    monkeypatch.delenv("COMMBENCH_STORE", raising=False)
    workplace.write("tiny.toml", TINY)

    def run(*words: str) -> int:
        monkeypatch.setattr(sys, "argv", ["commbench", *words])
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        return int(ended.value.code or 0)

    return run


def test_a_clock_that_runs_backwards_loses_nothing(
    workplace: Workplace,
    here: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    now = [time.time_ns()]

    def backwards() -> int:
        now[0] -= HOUR_NS
        return now[0]

    monkeypatch.setattr(time, "time_ns", backwards)
    for _ in range(2):
        assert here("run", "./tiny.toml") == 0
    assert "Traceback" not in capsys.readouterr().err
    store = Store.open(workplace.store, create=False)
    rows, runs = store.points(), store.runs()
    assert len(rows) == 2 * TINY_POINTS
    assert (runs["ended_at"] < runs["started_at"]).all()
    for words in (["list"], ["show", runs["run_id"][0]], ["report", "-o", "-"], ["store", "check"]):
        assert here(*words) == 0, words


def test_runs_that_begin_in_the_same_microsecond_are_two(
    workplace: Workplace, here: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    moment, struct = time.time_ns(), time.gmtime()
    monkeypatch.setattr(time, "time_ns", lambda: moment)
    monkeypatch.setattr(time, "gmtime", lambda *seconds: struct)
    for _ in range(2):
        assert here("run", "./tiny.toml") == 0
    store = Store.open(workplace.store, create=False)
    assert len(set(store.run_ids())) == 2
    assert store.runs()["started_at"].nunique() == 1
    assert len(store.points()) == 2 * TINY_POINTS


def test_a_run_id_that_is_taken_is_refused_before_anything_is_measured(
    workplace: Workplace,
    here: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("commbench.cli.conduct.new_run_id", lambda: "20260301-120000-abcdef")
    taken = Store.open(workplace.store, create=True).journal_folder("20260301-120000-abcdef")
    taken.mkdir(parents=True)
    assert here("run", "./tiny.toml") == 3
    assert f"cannot write the journal {taken.relative_to(workplace.path)}: File exists" in capsys.readouterr().err
    assert session.new_run_id() != session.new_run_id()
