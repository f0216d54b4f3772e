import logging
from datetime import UTC, datetime, timedelta, timezone

import pytest

import commbench.store
from commbench.errors import StoreError
from commbench.store.store import Store

from .upkeep_store import append_night, fill, night


@pytest.fixture
def nights(store: Store) -> Store:
    return fill(store)


def test_opening_needs_nothing_but_a_place(nights: Store) -> None:
    assert len(commbench.store.open(nights.path).points()) == 12
    with pytest.raises(StoreError, match="no store"):
        commbench.store.open(nights.path / "nowhere")


def test_since_is_included_and_until_is_not(nights: Store) -> None:
    first = nights.points()["started_at"].iloc[4].to_pydatetime()  # the first point of run-0410
    assert nights.points(since=first)["run_id"].iloc[0] == "run-0410"
    assert nights.points(until=first)["run_id"].iloc[-1] == "run-0320"
    elsewhere = first.astimezone(timezone(timedelta(hours=-9)))
    assert len(nights.points(since=elsewhere, until=elsewhere + timedelta(microseconds=1))) == 1


def test_runs_are_narrowed_as_points_are(nights: Store) -> None:
    assert list(nights.runs(since=datetime(2026, 5, 1, tzinfo=UTC))["run_id"]) == ["run-0510", "run-0520"]
    assert list(nights.runs(columns=["suite"], cluster="lab", until=datetime(2026, 4, 1, tzinfo=UTC)).columns) == [
        "suite"
    ]
    assert list(nights.runs("run-0410")["run_id"]) == ["run-0410"]


def test_a_run_over_the_end_of_a_month_is_found_by_its_points(store: Store) -> None:
    append_night(store, "run-late", night(4, 1) - 3 * 3600 * 10**9 + 3599 * 10**9)
    assert len(store.points(since=datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC))) == 2
    assert len(store.points(since=datetime(2026, 4, 1, tzinfo=UTC))) == 2
    assert len(store.points(until=datetime(2026, 4, 1, 0, 0, 1, tzinfo=UTC))) == 1


@pytest.mark.parametrize("question", [{"fabrik": "roce"}, {"columns": ["bandwidth"]}])
def test_an_unknown_column_is_refused_by_name(nights: Store, question: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"points has no column '(fabrik|bandwidth)'"):
        nights.points(**question)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["since", "until"])
def test_a_time_without_a_zone_is_refused(nights: Store, name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} needs a time zone"):
        nights.points(**{name: datetime(2026, 3, 1)})  # type: ignore[arg-type]


def test_many_values_and_few_find_the_same(nights: Store) -> None:
    sizes = [*range(2_000), 1024]
    assert len(nights.points(size_bytes=sizes)) == len(nights.points(size_bytes=1024)) == 12


def test_other_months_are_not_even_opened(nights: Store, caplog: pytest.LogCaptureFixture) -> None:
    for path in nights.path.glob("points/month=2026-05/*"):
        path.write_bytes(b"damaged: opening it would warn")
    with caplog.at_level(logging.WARNING, "commbench.store"):
        assert len(nights.points(until=datetime(2026, 4, 15, tzinfo=UTC))) == 6
        assert not caplog.records
        assert len(nights.points()) == 8
    assert len(caplog.records) == 2
