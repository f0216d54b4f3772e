"""A store over a few months, for tests of its upkeep."""

from datetime import UTC, datetime

from commbench.store.store import Store

from .factory import make_point, make_record, make_result

NS_PER_S = 10**9


def night(month: int, day: int, year: int = 2026) -> int:
    """Return the ns at which a night's run starts."""
    return int(datetime(year, month, day, 2, tzinfo=UTC).timestamp()) * NS_PER_S


def append_night(store: Store, run_id: str, started_at_ns: int, *, purpose: str = "nightly", session: int = 0) -> None:
    """Append a run of two points, of two series that are the same every night."""
    results = [
        make_result(make_point(0), started_at_ns=started_at_ns + NS_PER_S),
        make_result(make_point(1, collective="all_gather"), started_at_ns=started_at_ns + 2 * NS_PER_S),
    ]
    ended_at_ns = started_at_ns + 9 * NS_PER_S
    store.append(
        make_record(
            run_id,
            *results,
            session=session,
            started_at_ns=started_at_ns,
            ended_at_ns=ended_at_ns,
            purpose=purpose,
        )
    )


def fill(store: Store) -> Store:
    """Append six nights of 2026, two in each month from March to May."""
    for month in (3, 4, 5):
        for day in (10, 20):
            append_night(store, f"run-{month:02d}{day}", night(month, day))
    return store
