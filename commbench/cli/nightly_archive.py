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

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from commbench.analysis.nightly.lines import Lines
    from commbench.analysis.nightly.verdict import NightVerdict
    from commbench.store.store import Store

_NOTE = "note"  # the event that gives a run to a night by hand
_NIGHTS = night_name("")
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

    def states(self, purpose: str) -> "Mapping[str, ExitState]":
        """Return how the night's runs of a purpose ended, in the order in which they began."""
        own = self.runs[self.runs["purpose"] == purpose]
        last = own.drop_duplicates("run_id", keep="last")
        number = self.calendar.number_of(self.label)
        began = own.groupby("run_id")["started_at"].min()
        return {
            str(row["run_id"]): ExitState(row["exit_state"])
            for _, row in last.iterrows()
            if _number(self.calendar, str(row["run_id"]), began[row["run_id"]].to_pydatetime()) == number
        }

    def has_whole_run(self) -> bool:
        """Return whether some nightly run of the night measured all its points."""
        return bool(_WHOLE & {*self.states(NIGHTLY).values()})


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
    every = store.runs(columns=["run_id", "started_at", "purpose", "cluster"], purpose=[NIGHTLY, CONFIRM])
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
    until = (chosen.max().to_pydatetime() if len(chosen) else since) + timedelta(days=7)
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
    whose nightly runs all failed; one that failed and was made again is not.
    """
    from commbench.analysis.nightly.verdict import Outcome

    if verdict.is_red:
        return ExitCode.GATE
    states = archive.states(NIGHTLY)
    if states and not archive.has_whole_run():
        return ExitCode.INTERRUPTED if [*states.values()][-1] is ExitState.INTERRUPTED else ExitCode.RANK
    return ExitCode.OK if verdict.outcome is Outcome.OK else ExitCode.UNFIT
