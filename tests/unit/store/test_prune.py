from datetime import UTC, datetime, timedelta

import pytest

from commbench.errors import UsageError
from commbench.store.check import check
from commbench.store.compact import compact
from commbench.store.prune import SESSION_DATASETS, choose, parse_age, remove
from commbench.store.store import Store

from .upkeep_store import append_night, fill, night

NOW = datetime(2026, 6, 1, tzinfo=UTC)
APRIL_15 = datetime(2026, 4, 15, tzinfo=UTC)


@pytest.fixture
def nights(store: Store) -> Store:
    return fill(store)


def _runs(store: Store, dataset: str) -> list[str]:
    return sorted(path.name[: len("run-0310")] for path in store.path.glob(f"{dataset}/*/*.parquet"))


def test_choosing_removes_nothing(nights: Store) -> None:
    before = sorted(nights.path.rglob("*"))
    removals = choose(nights.medium, APRIL_15, ("samples",))
    assert [removal.key for removal in removals] == [
        "samples/month=2026-03/run-0310-s0.parquet",
        "samples/month=2026-03/run-0320-s0.parquet",
        "samples/month=2026-04/run-0410-s0.parquet",
    ]
    assert all(removal.size_bytes > 0 for removal in removals)
    assert sorted(nights.path.rglob("*")) == before


def test_samples_go_and_everything_else_stays_and_the_check_knows(nights: Store) -> None:
    remove(nights.medium, choose(nights.medium, APRIL_15, ("samples",)), NOW)
    assert _runs(nights, "samples") == ["run-0420", "run-0510", "run-0520"]
    assert len(nights.points()) == 12
    assert check(nights.medium).is_sound
    next(nights.path.glob("samples/*/run-0510*")).unlink()  # this one was lost
    assert not check(nights.medium).is_sound


def test_all_leaves_nothing_of_the_old_sessions_not_even_in_a_copy(nights: Store) -> None:
    list(compact(nights.medium))
    remove(nights.medium, choose(nights.medium, APRIL_15, SESSION_DATASETS), NOW)
    for dataset in SESSION_DATASETS:
        assert _runs(nights, dataset) == ["run-0420", "run-0510", "run-0520"]
    assert sorted(path.name[:7] for path in nights.path.glob("_cache/points/*")) == ["2026-05"]
    assert nights.run_ids() == ("run-0520", "run-0510", "run-0420")
    assert check(nights.medium).is_sound


def test_runs_of_a_purpose_to_keep_stay(nights: Store) -> None:
    append_night(nights, "run-0305", night(3, 5), purpose="adhoc")
    removals = choose(nights.medium, APRIL_15, SESSION_DATASETS, ("nightly",))
    assert {removal.key.rpartition("/")[2] for removal in removals} == {"run-0305-s0.parquet"}


def test_an_interrupted_prune_is_finished_by_the_next(nights: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    delete, deleted = nights.medium.delete, list[str]()

    def failing(key: str) -> None:
        if len(deleted) == 5:
            raise KeyboardInterrupt
        deleted.append(key)
        delete(key)

    removals = choose(nights.medium, APRIL_15, SESSION_DATASETS)
    monkeypatch.setattr(nights.medium, "delete", failing)
    with pytest.raises(KeyboardInterrupt):
        remove(nights.medium, removals, NOW)
    monkeypatch.undo()
    assert check(nights.medium).is_sound  # every row in runs has its files, or a note that they were pruned
    remove(nights.medium, choose(nights.medium, APRIL_15, SESSION_DATASETS), NOW)
    assert _runs(nights, "points") == _runs(nights, "runs") == ["run-0420", "run-0510", "run-0520"]


def test_a_session_without_a_row_in_runs_is_left_alone(nights: Store) -> None:
    next(nights.path.glob("runs/*/run-0310*")).unlink()
    assert not any("run-0310" in removal.key for removal in choose(nights.medium, APRIL_15, SESSION_DATASETS))


@pytest.mark.parametrize(("text", "days"), [("180d", 180), ("26w", 182), ("2y", 730), (" 1 d ", 1)])
def test_ages_are_days_weeks_or_years(text: str, days: int) -> None:
    assert parse_age(text) == timedelta(days=days)


@pytest.mark.parametrize("text", ["", "180", "0d", "-3d", "3 months", "1e3d", "99999999d"])
def test_what_is_no_age_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="180d"):
        parse_age(text)
