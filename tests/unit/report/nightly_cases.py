"""Verdicts made by hand: a red night with one incident of every trait, and names that try to be code."""

import datetime as dt
from dataclasses import replace

from commbench.analysis.nightly.lines import Lines, Mark, SeriesLine, Spell
from commbench.analysis.nightly.rule import Rule
from commbench.analysis.nightly.verdict import (
    EnvironmentChange,
    FailedRun,
    Fault,
    HostSuspicion,
    Improvement,
    Incident,
    Interval,
    Kind,
    Learning,
    Member,
    Missing,
    MissingPoint,
    Night,
    NightVerdict,
    Outcome,
    Scope,
    ScopeKind,
    Series,
    State,
    Suspect,
)

EVIL = '"><script>alert(1)</script>|`*]\x1b[31m\n& <!channel>'
NIGHT = Night("2026-01-25", dt.datetime(2026, 1, 25, 2, 0, tzinfo=dt.UTC))
BEFORE = Night("2026-01-24", dt.datetime(2026, 1, 24, 2, 0, tzinfo=dt.UTC))


def series(number: int = 0, fabric: str = "ib", collective: str = "all_reduce") -> Series:
    return Series(
        f"{number:016x}",
        "lab",
        collective,
        4096 << number % 8,
        "float32",
        8,
        4,
        True,
        "nccl",
        fabric,
        "isolated",
        "host",
    )


def member(number: int = 0, fabric: str = "ib") -> Member:
    return Member(
        series(number, fabric), "latency_p50_us", 1.25, 9.0, 100.0, 125.0, (126.0, 125.0, 124.0), 130.0, 160.0, True
    )


def incident(fabric: str = "ib") -> Incident:
    members = (member(0, fabric), member(1, fabric))
    return Incident(
        incident_id="i-20260125-aa",
        state=State.OPENED,
        kind=Kind.LEVEL,
        scope=Scope(ScopeKind.FABRIC, (("fabric", fabric),), affected=2, judged=2),
        members=members,
        opened=NIGHT,
        since=NIGHT,
        last_good=BEFORE,
        nights_bad=1,
        effect=Interval(1.25, 1.2, 1.3),
        score=9.0,
        hosts=(HostSuspicion("node-7", 8.1, 1.25, 6, 20, is_named=True),),
        environment=(EnvironmentChange("nccl_version", "2.27.3", "2.28.9", ("node-7",)),),
        run_ids=("r3", "r4"),
        baseline_run_ids=("r1", "r2"),
        next_command="commbench locate --hosts node-7,node-8",
    )


def verdict(**changes: object) -> NightVerdict:
    whole = NightVerdict(
        night=NIGHT,
        cluster="lab",
        outcome=Outcome.REGRESSION,
        incidents=(incident(),),
        suspects=(Suspect(series(), "latency_p50_us", 9.0, 1.25, 2, 2),),
        faults=(),
        improvements=(),
        missing=Missing((), (), (), (), ()),
        learning=(),
        muted=(),
        judged=40,
        history_nights=24,
        run_ids=("r3", "r4"),
        rule=Rule(),
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def green() -> NightVerdict:
    return verdict(outcome=Outcome.OK, incidents=(), suspects=())


def evil() -> NightVerdict:
    """Return a verdict in which everything that others name tries to be code."""
    bad = series(3, EVIL)
    return verdict(
        cluster=EVIL,
        incidents=(
            replace(
                incident(EVIL),
                hosts=(HostSuspicion(EVIL, 8.1, 1.25, 6, 20, is_named=True, ties=(EVIL,)),),
                environment=(EnvironmentChange(EVIL, EVIL, EVIL, (EVIL,)),),
                next_command=EVIL,
            ),
        ),
        faults=(Fault(bad, "r3", "wrong_result", EVIL),),
        improvements=(Improvement(bad, "latency_p50_us", 0.9, -5.0),),
        missing=Missing(
            ("2026-01-20",),
            (MissingPoint(bad, "2026-01-24", EVIL),),
            (FailedRun("r9", "failed", EVIL),),
            (EVIL,),
            (EVIL,),
        ),
        learning=(Learning(bad, 3, 20),),
    )


def lines(of: NightVerdict, count: int = 3, nights: int = 30) -> Lines:
    """Return a history of so many series; those of the incident come last, as the page is to put them first."""
    labels = tuple(str(dt.date(2026, 1, 25) - dt.timedelta(days=nights - 1 - day)) for day in range(nights))
    members = {each.series.series_id: each.series for one in of.incidents for each in one.members}
    plain = [series(number + 100) for number in range(count)]
    ids = tuple(each.incident_id for each in of.incidents)
    drawn = [_line(each, nights, 0.1 * place) for place, each in enumerate(plain)]
    drawn += [replace(_line(each, nights, 9.0), incident_ids=ids) for each in members.values()]
    spells = tuple(Spell(each.incident_id, each.since.label, None) for each in of.incidents)
    return Lines(of, labels, tuple(drawn), (Mark(labels[-1], f"nccl_version 2.27 -> {EVIL}"),), spells)


def _line(of: Series, nights: int, tonight: float) -> SeriesLine:
    values: list[float | None] = [100.0 + night % 3 for night in range(nights)]
    values[-1] = 100.0 + tonight
    values[nights // 2] = None
    band = tuple(None if night < 20 else 98.0 for night in range(nights))
    high = tuple(None if night < 20 else 104.0 for night in range(nights))
    return SeriesLine(of, "latency_p50_us", "us", tuple(values), band, high, tonight)
