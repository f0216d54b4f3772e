"""What people decide about incidents and series, as rows: who, when, why."""

import getpass
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import click

from commbench.errors import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from commbench.store.store import Store

ACCEPTED, MUTED, UNMUTED = "accepted", "muted", "unmuted"
_SHOWN = 5  # candidates in a message


def decision_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --why and --author to a command."""
    command = click.option("--author", help="Who decides [the user of this session].")(command)
    return click.option("--why", required=True, help="Reason, for those who look at it in half a year.")(command)


def author_of(given: str | None) -> str:
    """Return who decides: the name given, or the user's.

    Raises:
        UsageError: nobody is given, and this session's user has no name.
    """
    if given is not None and given.strip():
        return given.strip()
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError) as error:
        raise UsageError(f"this session's user has no name ({error}); say who decides with --author") from error


def decide(store: "Store", event: str, about: Mapping[str, object], why: str, author: str | None) -> None:
    """Add a decision to the store.

    Raises:
        UsageError: no reason is given.
        StoreError: the store cannot be written.
    """
    from commbench import __version__
    from commbench.environment.commit import commit

    if not why.strip():
        raise UsageError("--why is empty; write the reason, for those who look at it in half a year")
    at = datetime.now(UTC)
    row = {
        **about,
        "event": event,
        "at": at,
        "author": author_of(author),
        "why": why.strip(),
        "verdict": "",
        "commbench_version": __version__,
        "commbench_commit": commit(),
        "extra_json": "{}",
    }
    at_ns = int(at.timestamp() * 1e6) * 1_000
    store.append_rows("incidents", [row], f"{event}-{at:%Y%m%d-%H%M%S-%f}", at_ns)


def incident_called(text: str, incidents: "pd.DataFrame") -> "pd.Series[Any]":
    """Return the newest row that commbench wrote about an incident, named by its id or the beginning of it.

    Raises:
        UsageError: there is no such incident; the message names the nearest.
    """
    found = incidents[incidents["event"].isin(["opened", "seen", "closed"])]
    incident_id = _one_of("incident", text, list(dict.fromkeys(found["incident_id"].iloc[::-1])))
    return found[found["incident_id"] == incident_id].iloc[-1]


def series_called(text: str, store: "Store") -> str:
    """Return the series_id that is meant by a whole id or the beginning of one.

    Raises:
        UsageError: there is no such series; the message names the nearest.
    """
    known = store.points(columns=["series_id"])["series_id"]
    return _one_of("series", text, list(dict.fromkeys(known)))


def _one_of(thing: str, text: str, known: list[str]) -> str:
    from commbench.plan.wording import closest

    if text in known:
        return text
    begun = [each for each in known if text and each.startswith(text)]
    if len(begun) == 1:
        return begun[0]
    if begun:
        raise UsageError(f"{text!r} begins {len(begun)} ids of {thing}; write more of one of {_list(begun)}")
    if not known:
        raise UsageError(f"no {thing} {text!r}: this store holds none; commbench nightly writes them down")
    guess = closest(text, known)
    hint = f"did you mean {guess!r}?" if guess else f"there are {_list(known)}"
    raise UsageError(f"no {thing} {text!r}; {hint}")


def _list(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def end_of(text: str, today: date | None = None) -> datetime:
    """Return the end, in UTC, of the day that `--until` names.

    Raises:
        UsageError: it is no date, or it is over.
    """
    today = today or datetime.now(UTC).date()
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"--until {text}: write a date such as {today + timedelta(days=14)}") from error
    if day < today:
        raise UsageError(f"--until {text} is over; write a date from {today} on")
    return datetime.combine(day + timedelta(days=1), time(), tzinfo=UTC)
