"""The nights that a store holds, read once: what is judged, and what is drawn."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from commbench.analysis.nightly.calendar import Calendar
from commbench.analysis.nightly.events import night_name
from commbench.analysis.nightly.frames import POINT_COLUMNS, RUN_COLUMNS
from commbench.analysis.nightly.judge import judge
from commbench.analysis.nightly.rule import CONFIRM, NIGHTLY, Rule
from commbench.errors import ExitCode, UsageError
from commbench.model.run import ExitState
from commbench.store import layout

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from commbench.analysis.nightly.lines import Lines
    from commbench.analysis.nightly.verdict import NightVerdict
    from commbench.store.store import Store

_NOTE = "note"  # the event that gives a run to a night by hand
_NIGHTS = night_name("")
_LONGEST_RUN = timedelta(days=7)
_WHOLE = {ExitState.COMPLETE, ExitState.WRONG, ExitState.CONTRADICTED, ExitState.PARTIAL}


@dataclass(frozen=True, slots=True)
class Archive:
    """Frames of the last nights of one cluster, up to the night that is to be judged, which is called `label`."""

    label: str
    cluster: str
    points: "pd.DataFrame"
    runs: "pd.DataFrame"
    incidents: "pd.DataFrame"
    calendar: Calendar

    def judge(self) -> "NightVerdict":
        """Return the verdict on the night."""
        return judge(self.points, self.runs, self.incidents, self.label, calendar=self.calendar)

    def draw(self, verdict: "NightVerdict") -> "Lines":
        """Return what the history page and the metrics show."""
        from commbench.analysis.nightly.drawing import lines_of

        return lines_of(verdict, self.points, self.runs, self.incidents, self.calendar)

    def states(self, purpose: str, suite: str | None = None) -> "Mapping[str, ExitState]":
        """Return how the night's runs of a purpose, and of one suite if it is named, ended; in order of their start."""
        own = self.runs[self.runs["purpose"] == purpose]
        return _states(own if suite is None else own[own["suite"] == suite], self.label, self.calendar)


def tonight() -> str:
    """Return what the present night is called."""
    calendar = Calendar()
    return calendar.label(calendar.number(datetime.now(UTC)))


def checked(label: str) -> str:
    """Return a night's name as the calendar writes it.

    Raises:
        UsageError: no night can be called so.
    """
    calendar = Calendar()
    return calendar.label(calendar.number_of(label))


def read(store: "Store", label: str | None, cluster: str | None) -> Archive:
    """Return the nights up to one, without a label the newest that has a nightly run.

    Raises:
        UsageError: the store holds no nightly run, or those of several clusters and none is named.
    """
    incidents = store.incidents()
    calendar = calendar_of(incidents)
    columns = ["run_id", "started_at", "purpose", "cluster"]
    every = store.runs(columns=columns, purpose=[NIGHTLY, CONFIRM], since=_horizon(store, label, incidents, calendar))
    if every.empty or (cluster is not None and cluster not in set(every["cluster"])):
        every = store.runs(columns=columns, purpose=[NIGHTLY, CONFIRM])  # its last night is long ago
    cluster = _the_cluster(every, cluster, store.place)
    own = every[every["cluster"] == cluster]
    numbers = {
        str(run_id): _number(calendar, str(run_id), at.to_pydatetime())
        for run_id, at in own.groupby("run_id")["started_at"].min().items()
    }
    last = max(numbers.values()) if label is None else calendar.number_of(label)
    first = last - Rule().history_nights
    wanted = {run_id for run_id, number in numbers.items() if first < number <= last}
    chosen = own[own["run_id"].isin(wanted)]["started_at"]
    # Rows are read by time, which the store finds quickly; runs in between that were not asked for are left out.
    since = chosen.min().to_pydatetime() if len(chosen) else datetime.now(UTC)
    until = (chosen.max().to_pydatetime() if len(chosen) else since) + _LONGEST_RUN
    points = store.points(
        columns=list(POINT_COLUMNS), since=since, until=until, purpose=[NIGHTLY, CONFIRM], cluster=cluster
    )
    runs = store.runs(columns=list(RUN_COLUMNS), since=since, until=until, purpose=[NIGHTLY, CONFIRM], cluster=cluster)
    return Archive(
        calendar.label(last),
        cluster,
        store.latest_attempts(points[points["run_id"].isin(wanted)]),
        runs[runs["run_id"].isin(wanted)].reset_index(drop=True),
        incidents[incidents["cluster"].isna() | incidents["cluster"].isin(["", cluster])],
        calendar,
    )


def _horizon(store: "Store", label: str | None, incidents: "pd.DataFrame", calendar: Calendar) -> datetime | None:
    """Return a time before which no run matters to a night: a store of years is not to be read whole."""
    months = [layout.month_of(key) for key in store.medium.keys("runs")]
    if not months:
        return None
    newest = datetime.strptime(max(months), "%Y-%m").replace(tzinfo=UTC)
    judged = newest if label is None else datetime.fromisoformat(label).replace(tzinfo=UTC)
    began = judged - timedelta(days=Rule().history_nights + 1)
    number = calendar.number(began)
    notes = incidents[incidents["event"] == _NOTE]
    given: list[datetime] = [
        row["at"].to_pydatetime()
        for row in notes.to_dict("records")
        if calendar.number_of(str(row["incident_id"]).removeprefix(_NIGHTS)) >= number
    ]
    # A run is given to a night when it has ended, which may be days after it began.
    return min([began, *(at - _LONGEST_RUN for at in given)])


def has_whole_run(store: "Store", label: str, cluster: str, suite: str) -> bool:
    """Return whether some nightly run of a suite measured all its points in a night."""
    columns = ["run_id", "session", "started_at", "exit_state"]
    runs = store.runs(columns=columns, purpose=NIGHTLY, cluster=cluster, suite=suite)
    return bool(_WHOLE & {*_states(runs, label, calendar_of(store.incidents())).values()})


def _states(runs: "pd.DataFrame", label: str, calendar: Calendar) -> "Mapping[str, ExitState]":
    number = calendar.number_of(label)
    began = runs.groupby("run_id")["started_at"].min()
    return {
        str(row["run_id"]): ExitState(row["exit_state"])
        for row in runs.drop_duplicates("run_id", keep="last").to_dict("records")
        if _number(calendar, str(row["run_id"]), began[row["run_id"]].to_pydatetime()) == number
    }


def give(store: "Store", run_id: str, label: str, cluster: str) -> None:
    """Write down that a run counts as one of a night, whenever it was made."""
    at = datetime.now(UTC)
    row = {
        "incident_id": night_name(label),
        "event": _NOTE,
        "at": at,
        "author": "commbench",
        "why": f"counted as the night of {label} by hand",
        "cluster": cluster,
        "runs": [run_id],
        "extra_json": "{}",
    }
    store.append_rows("incidents", [row], f"given-{run_id}", int(at.timestamp() * 1e6) * 1_000)


def _number(calendar: Calendar, run_id: str, at: datetime) -> int:
    if run_id in calendar.by_hand:
        return calendar.number_of(calendar.by_hand[run_id])
    return calendar.number(at)


def calendar_of(incidents: "pd.DataFrame") -> Calendar:
    """Return the calendar with the runs that were given to a night by hand."""
    own = incidents[(incidents["event"] == _NOTE) & incidents["incident_id"].str.startswith(_NIGHTS)]
    given = {
        str(run_id): str(row["incident_id"]).removeprefix(_NIGHTS)
        for row in own.to_dict("records")
        for run_id in (row["runs"] if row["runs"] is not None else ())
    }
    return Calendar(by_hand=given)


def _the_cluster(runs: "pd.DataFrame", cluster: str | None, place: str) -> str:
    there = sorted({str(name or "") for name in runs["cluster"]})
    if cluster is not None:
        if cluster not in there:
            from commbench.plan.wording import no_such

            raise UsageError(f"{no_such('cluster', cluster, there or ['none yet'])} with nightly runs in {place}")
        return cluster
    if not there:
        raise UsageError(f"{place} holds no nightly run; make one with: commbench nightly SUITE --store {place}")
    if len(there) > 1:
        raise UsageError(f"{place} holds nightly runs of {', '.join(there)}; name one with --cluster")
    return there[0]


def exit_code(verdict: "NightVerdict", archive: Archive) -> ExitCode:
    """Return what a verdict tells cron, Slurm or CI: 1 red, 4 broken, 3 not judged, 0 green.

    A night that is red and broken is red: a regression that was found is the better news to act upon. Broken is one
    whose nightly runs all ended early; one that was made again is not.
    """
    from commbench.analysis.nightly.verdict import Outcome

    if verdict.is_red:
        return ExitCode.GATE
    states = {*archive.states(NIGHTLY).values()}
    if states and not states & _WHOLE:
        return ExitCode.RANK
    return ExitCode.OK if verdict.outcome is Outcome.OK else ExitCode.UNFIT
