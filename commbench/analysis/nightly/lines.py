"""What a history page draws: each series' nights with the band that its baseline allows."""

from dataclasses import dataclass

from commbench.analysis.nightly.verdict import NightVerdict, Series

Value = float | None  # None where there is no night, or no baseline yet


@dataclass(frozen=True, slots=True)
class SeriesLine:
    """One series in one metric; all tuples have one value for each night of its `Lines`.

    `low` and `high` bound what is no alarm on that night. `tonight` is how far the last night is above the baseline in
    robust standard deviations, None where that is not known; `incident_ids` are those it is or was a member of.
    """

    series: Series
    metric: str
    unit: str
    values: tuple[Value, ...]
    low: tuple[Value, ...]
    high: tuple[Value, ...]
    tonight: Value
    incident_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened on a night: a fact of the environment that changed, or what a person decided."""

    night: str
    words: str


@dataclass(frozen=True, slots=True)
class Spell:
    """The nights of an incident, from its first bad one to its last (None: it goes on)."""

    incident_id: str
    since: str
    until: str | None


@dataclass(frozen=True, slots=True)
class Lines:
    """Everything that a history page shows: `nights` are labels, oldest first; `lines` is one series a row."""

    verdict: NightVerdict
    nights: tuple[str, ...]
    lines: tuple[SeriesLine, ...]
    marks: tuple[Mark, ...] = ()
    spells: tuple[Spell, ...] = ()
    is_simulated: bool = False
