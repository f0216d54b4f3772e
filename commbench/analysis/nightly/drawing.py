"""Make the lines of a history page: what each series was on each night, and what its baseline allowed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from commbench.analysis.nightly.environment import changes
from commbench.analysis.nightly.events import spells
from commbench.analysis.nightly.frames import nights_of
from commbench.analysis.nightly.judge import past_of
from commbench.analysis.nightly.lines import Lines, Mark, SeriesLine, Spell
from commbench.analysis.nightly.people import acceptances
from commbench.analysis.nightly.replay import replay
from commbench.analysis.nightly.rule import LATENCY
from commbench.analysis.nightly.score import alarm_bar
from commbench.analysis.nightly.verdict import Kind, NightVerdict
from commbench.model.point import SIMULATED

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from commbench.analysis.nightly.calendar import Calendar
    from commbench.analysis.nightly.frames import Nights
    from commbench.analysis.nightly.replay import Decided
    from commbench.analysis.nightly.rule import Rule

    Floats = NDArray[np.float64]

_RUNS_BEFORE = 14  # that a night's environment is held against: each host was used on some of them
_HOSTS = "hosts"  # allocations differ every night: no change of the environment
_DECISIONS = ("accepted", "muted", "unmuted")


def lines_of(
    verdict: NightVerdict,
    points: "pd.DataFrame",
    runs: "pd.DataFrame",
    incidents: "pd.DataFrame",
    calendar: "Calendar",
) -> Lines:
    """Return everything that a history page shows of the nights that `judge` gave this verdict on."""
    past = past_of(points, runs, verdict.night.label, calendar, verdict.rule)
    of = nights_of(past.points, verdict.rule)
    if not len(of.numbers):
        return Lines(verdict, (), ())
    decided = replay(of.panel, verdict.rule, acceptances(incidents, of.numbers, of.panel.series_ids, calendar))
    numbers = np.arange(int(of.numbers[0]), int(past.night) + 1)  # nights without a run are gaps
    nights = tuple(calendar.label(int(number)) for number in numbers)
    recorded = spells(incidents)
    ids = _ids_by_series(verdict, {name: each.series_ids for name, each in recorded.items()})
    tails = {m.series.series_id for each in verdict.incidents if each.kind is Kind.TAIL for m in each.members}
    drawing = _Drawing(of, decided, numbers, verdict.rule)
    drawn = tuple(
        drawing.line(metric, place, ids.get(series.series_id, ()))
        for place, series in enumerate(of.series)
        for metric in range(len(of.panel.metrics))
        if of.panel.metrics[metric] == LATENCY or (of.panel.is_tail[metric] and series.series_id in tails)
    )
    shown = {name: Spell(name, each.since, each.until) for name, each in recorded.items()}
    shown |= {e.incident_id: Spell(e.incident_id, e.since.label, None) for e in verdict.incidents if e.is_red}
    marks = (*_environment_marks(past.runs, calendar), *_decision_marks(incidents, calendar))
    is_simulated = any(series.backend == SIMULATED for series in of.series)
    return Lines(verdict, nights, drawn, marks, tuple(shown.values()), is_simulated)


def _ids_by_series(verdict: NightVerdict, recorded: "dict[str, tuple[str, ...]]") -> dict[str, tuple[str, ...]]:
    """Return the incidents of each series."""
    every = recorded | {
        each.incident_id: tuple(member.series.series_id for member in each.members) for each in verdict.incidents
    }
    found: dict[str, list[str]] = {}
    for incident_id, members in every.items():
        for series_id in members:
            found.setdefault(series_id, []).append(incident_id)
    return {series_id: tuple(ids) for series_id, ids in found.items()}


@dataclass(frozen=True, slots=True)
class _Drawing:
    """What was judged, on the nights of the calendar with these numbers, and by which rule: a band ends at its bar."""

    of: "Nights"
    decided: "Decided"
    numbers: "NDArray[np.int64]"
    rule: "Rule"

    def line(self, metric: int, place: int, incident_ids: tuple[str, ...]) -> SeriesLine:
        """Return one series in one metric."""
        panel, decided = self.of.panel, self.decided
        middle, effect, scales = (each[metric, :, place] for each in (decided.middle, decided.effect, decided.scales))
        # With a baseline the night's value is the one that was judged, of all its measurements; else the first.
        logs = np.where(np.isfinite(effect), middle + effect, panel.values[metric, :, place])
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = np.where(scales != 0, effect / scales, np.nan)
        width = alarm_bar(scale[None], panel.is_tail[[metric]], self.rule)[0]
        is_there = np.isfinite(scales[-1]) and self.of.numbers[-1] == self.numbers[-1]
        return SeriesLine(
            self.of.series[place],
            panel.metrics[metric],
            "us",
            self._spread(np.exp(logs)),
            self._spread(np.exp(middle - width * scale)),
            self._spread(np.exp(middle + width * scale)),
            float(scales[-1]) if is_there else None,
            incident_ids,
        )

    def _spread(self, values: "Floats") -> tuple[float | None, ...]:
        """Return a value for each night of the calendar: None where there was none."""
        every: list[float | None] = [None] * len(self.numbers)
        for night, value in zip(np.searchsorted(self.numbers, self.of.numbers), values, strict=True):
            if np.isfinite(value):
                every[int(night)] = float(value)
        return tuple(every)


def _environment_marks(runs: "pd.DataFrame", calendar: "Calendar") -> "list[Mark]":
    """Return what changed from one run to the next, where the environment is another at all."""
    found = []
    own = runs.drop_duplicates("run_id", keep="last").reset_index(drop=True)
    for place in range(1, len(own)):
        if own["env_id"].iloc[place] == own["env_id"].iloc[place - 1]:
            continue
        before = own.iloc[max(0, place - _RUNS_BEFORE) : place]
        label = calendar.label(int(own["night"].iloc[place]))
        for change in changes(before, own.iloc[place : place + 1]):
            if change.fact != _HOSTS:
                where = f" on {', '.join(change.hosts)}" if change.hosts else ""
                found.append(Mark(label, f"{change.fact} {change.before} -> {change.after}{where}"))
    return found


def _decision_marks(incidents: "pd.DataFrame", calendar: "Calendar") -> "list[Mark]":
    own = incidents[incidents["event"].isin(_DECISIONS)]
    return [
        Mark(
            calendar.label(calendar.number(row["at"].to_pydatetime())),
            f"{row['event']} {row['incident_id']} by {row['author']}: {row['why']}",
        )
        for row in own.to_dict("records")
    ]
