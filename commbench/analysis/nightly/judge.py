"""The seam of the nightly decision: frames in, a verdict out."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from commbench.analysis.nightly.calendar import Calendar
from commbench.analysis.nightly.frames import dated, is_good, nights_of, series_of
from commbench.analysis.nightly.incident import Told, incident
from commbench.analysis.nightly.missing import missing
from commbench.analysis.nightly.people import acceptances, muted
from commbench.analysis.nightly.replay import Decided, replay
from commbench.analysis.nightly.rule import NIGHTLY, Rule
from commbench.analysis.nightly.verdict import (
    Fault,
    Improvement,
    Learning,
    Missing,
    Night,
    NightVerdict,
    Outcome,
    State,
    Suspect,
)
from commbench.errors import UnfitError
from commbench.model.result import Status
from commbench.store.incident_columns import INCIDENTS

if TYPE_CHECKING:
    from datetime import datetime

    from commbench.analysis.nightly.frames import Nights

_ENDED_TONIGHT = {State.CLOSED, State.REBASED, State.ACCEPTED}
_LEAST_MEASURED = 0.5  # of the expected points: with fewer, a night without alarms is no good night


@dataclass(frozen=True, slots=True)
class Past:
    """What is judged, cut to the rule's window: dated rows of points and runs, and the number of the judged night."""

    points: pd.DataFrame
    runs: pd.DataFrame
    night: int


def judge(
    points: pd.DataFrame,
    runs: pd.DataFrame,
    incidents: pd.DataFrame | None = None,
    night: str | None = None,
    *,
    calendar: Calendar | None = None,
    rule: Rule | None = None,
) -> NightVerdict:
    """Return the verdict on a night, by its label; on the latest night that has a run when none is given.

    `points` needs frames.POINT_COLUMNS and `runs` frames.RUN_COLUMNS, of the last `rule.history_nights` nights at
    least; rows of other purposes are left out. Call it once before the suspects are measured again
    (`verdict.to_confirm`), and once after. Decisions of people count from when they were spoken.

    Raises:
        UsageError: the rows are of several clusters, or no night is called so.
        UnfitError: there is no nightly run up to that night.
    """
    rule, calendar = rule or Rule(), calendar or Calendar()
    incidents = pd.DataFrame(columns=[column.name for column in INCIDENTS]) if incidents is None else incidents
    past = past_of(points, runs, night, calendar, rule)
    of = nights_of(past.points, rule)
    if not len(of.numbers):
        return _empty(past, calendar, rule)
    words = acceptances(incidents, of.numbers, of.panel.series_ids, calendar)
    decided = replay(of.panel, rule, words)
    return _verdict(past, of, decided, muted(incidents, _at(past, calendar)), (calendar, rule))


def past_of(points: pd.DataFrame, runs: pd.DataFrame, night: str | None, calendar: Calendar, rule: Rule) -> Past:
    """Return what a verdict on the night may look at.

    Raises:
        UsageError: as `judge`.
        UnfitError: as `judge`.
    """
    dated_runs, dated_points = dated(runs, calendar), dated(points, calendar)
    own = dated_runs[dated_runs["purpose"] == NIGHTLY]["night"]
    own = pd.concat([own, dated_points[dated_points["purpose"] == NIGHTLY]["night"]])
    number = own.max() if night is None else calendar.number_of(night)
    if own.empty or not (own <= number).any():
        when = "" if night is None else f" up to {night}"
        raise UnfitError(f"no run of purpose {NIGHTLY}{when} to judge; `commbench nightly SUITE` makes the first")
    first = number - rule.history_nights
    window = [
        rows[(rows["night"] <= number) & (rows["night"] > first)].sort_values(["night", "began"], kind="stable")
        for rows in (dated_points, dated_runs)
    ]
    return Past(window[0], window[1], int(number))


def _verdict(
    past: Past, of: "Nights", decided: Decided, silent: frozenset[str], by: tuple[Calendar, Rule]
) -> NightVerdict:
    calendar, rule = by
    is_there = int(of.numbers[-1]) == past.night
    began = _began(past)
    nights = tuple(Night(calendar.label(int(number)), began[int(number)]) for number in of.numbers)
    cluster = str(past.points["cluster"].iloc[0])
    told = Told(of, decided, nights, rule, cluster, past.runs, silent)
    last = len(nights) - 1
    incidents = tuple(
        incident(track, told)
        for track in decided.tracks
        if track.is_active or (is_there and track.ended == last and track.state in _ENDED_TONIGHT)
    )
    faults = _faults(past)
    lacking = missing(past.points, past.runs, past.night, calendar)
    judged = _judged(decided, rule) if is_there else 0
    red = any(each.is_red for each in incidents) and is_there
    red |= any(each.series.series_id not in silent for each in faults)
    return NightVerdict(
        night=nights[-1] if is_there else night_of(past.night, past, calendar),
        cluster=cluster,
        outcome=_outcome(past, lacking, judged, is_red=red),
        incidents=incidents,
        suspects=_suspects(of, decided, rule) if is_there else (),
        faults=faults,
        improvements=_improvements(of, decided) if is_there else (),
        missing=lacking,
        learning=_learning(of, decided, rule),
        muted=tuple(sorted(silent)),
        judged=judged,
        history_nights=last if is_there else last + 1,
        run_ids=tuple(past.runs[past.runs["night"] == past.night]["run_id"].drop_duplicates()),
        rule=rule,
    )


def night_of(number: int, past: Past, calendar: Calendar) -> Night:
    """Return a night by its number, with when its first run began."""
    return Night(calendar.label(number), _began(past).get(number))


def _began(past: Past) -> "dict[int, datetime]":
    """Return when the first run of each night began."""
    every = pd.concat([rows[["night", "began"]].drop_duplicates() for rows in (past.points, past.runs)])
    first = every.groupby("night")["began"].min()
    return {int(str(number)): at.to_pydatetime() for number, at in first.items()}


def _at(past: Past, calendar: Calendar) -> "datetime":
    started = night_of(past.night, past, calendar).started_at
    if started is not None:
        return started
    latest: datetime = past.points["began"].max().to_pydatetime()
    return latest


def _outcome(past: Past, lacking: Missing, judged: int, *, is_red: bool) -> Outcome:
    tonight = past.points[past.points["night"] == past.night]
    there = tonight[is_good(tonight)]["series_id"].nunique()
    if is_red:
        return Outcome.REGRESSION
    if not there or there < _LEAST_MEASURED * (there + len(lacking.points)):
        return Outcome.MISSING
    return Outcome.OK if judged else Outcome.LEARNING


def _judged(decided: Decided, rule: Rule) -> int:
    able = (decided.nights_before >= rule.least_nights) & np.isfinite(decided.effect[:, -1])
    return int(able.any(axis=0).sum())


def _suspects(of: "Nights", decided: Decided, rule: Rule) -> tuple[Suspect, ...]:
    last, panel = decided.last, of.panel
    found = []
    for place in np.flatnonzero(last.suspects):
        scales = np.where(np.isfinite(last.first_scales[:, place]), last.first_scales[:, place], -np.inf)
        metric = int(np.argmax(scales))
        repeats = int(np.isfinite(panel.repeats[:, -1, place]).sum(axis=-1).max())
        effect = float(np.exp(last.first_effect[metric, place]))
        found.append(
            Suspect(of.series[place], panel.metrics[metric], float(scales[metric]), effect, repeats, rule.repeats)
        )
    return tuple(sorted(found, key=lambda suspect: (-suspect.score, suspect.series.series_id)))


def _improvements(of: "Nights", decided: Decided) -> tuple[Improvement, ...]:
    return tuple(
        Improvement(
            of.series[place],
            of.panel.metrics[metric],
            float(np.exp(decided.effect[metric, -1, place])),
            float(decided.scales[metric, -1, place]),
        )
        for metric, place in zip(*np.nonzero(decided.improved[:, -1]), strict=True)
    )


def _learning(of: "Nights", decided: Decided, rule: Rule) -> tuple[Learning, ...]:
    nights = decided.nights_before.max(axis=0)
    return tuple(
        Learning(of.series[place], int(nights[place]), rule.least_nights)
        for place in np.flatnonzero(nights < rule.least_nights)
    )


def _faults(past: Past) -> tuple[Fault, ...]:
    tonight = past.points[past.points["night"] == past.night]
    wrong = tonight[~is_good(tonight) & tonight["status"].isin([Status.OK, Status.WRONG])]
    return tuple(
        Fault(
            series_of(row),
            str(row["run_id"]),
            "wrong_result" if row["status"] == Status.WRONG else "contradicted",
            str((row["error"] if row["status"] == Status.WRONG else row["fabric_reason"]) or ""),
        )
        for row in wrong.to_dict("records")
    )


def _empty(past: Past, calendar: Calendar, rule: Rule) -> NightVerdict:
    """Return the verdict on nights of which not one point can be judged."""
    faults = _faults(past)
    return NightVerdict(
        night=night_of(past.night, past, calendar),
        cluster="" if past.runs.empty else str(past.runs["cluster"].iloc[-1]),
        outcome=Outcome.REGRESSION if faults else Outcome.MISSING,
        incidents=(),
        suspects=(),
        faults=faults,
        improvements=(),
        missing=missing(past.points, past.runs, past.night, calendar),
        learning=(),
        muted=(),
        judged=0,
        history_nights=0,
        run_ids=tuple(past.runs[past.runs["night"] == past.night]["run_id"].drop_duplicates()),
        rule=rule,
    )
