import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commbench.analysis.nightly.calendar import Calendar
from commbench.analysis.nightly.judge import judge
from commbench.analysis.nightly.rule import Rule
from commbench.analysis.nightly.score import alarm_bar
from commbench.analysis.nightly.verdict import NightVerdict, Outcome, ScopeKind, State
from commbench.errors import UnfitError, UsageError
from tests.unit.analysis.nightly_store import FIRST, SERIES, Nights, Plant, event, series_id

Series = tuple[str, str, int, int]
HISTORY = range(28)
ONE = SERIES[5]


def on_fabric(factor: float, first: int, last: int = 10_000) -> Plant:
    return lambda night, series, hosts: factor if series[0] == "ib" and first <= night <= last else 1.0


def on_one(factor: float, first: int, last: int = 10_000) -> Plant:
    return lambda night, series, hosts: factor if series == ONE and first <= night <= last else 1.0


def verdict(nights: Nights, **more: object) -> NightVerdict:
    return judge(nights.points, nights.runs, **more)  # type: ignore[arg-type]


def twice(nights: Nights, night: int) -> NightVerdict:
    """Judge as the nightly command does: measure the suspects again, then judge once more."""
    nights.confirm(night, [suspect.series.series_id for suspect in verdict(nights).to_confirm])
    return verdict(nights)


def test_nights_like_those_before_are_green() -> None:
    found = verdict(Nights().add(*HISTORY))
    assert (found.outcome, found.incidents, found.judged, found.history_nights) == (Outcome.OK, (), len(SERIES), 27)


def test_too_little_history_is_learning_and_says_how_much_is_there() -> None:
    found = verdict(Nights().add(*range(10)))
    assert found.outcome is Outcome.LEARNING
    assert {(each.nights, each.needed) for each in found.learning} == {(9, 20)}


def test_a_large_loss_of_a_fabric_is_one_red_incident_the_first_night_its_suspects_agree() -> None:
    found = twice(Nights(on_fabric(1.25, 28)).add(*HISTORY, 28), 28)
    (incident,) = found.incidents
    assert found.outcome is Outcome.REGRESSION
    assert (incident.scope.kind, dict(incident.scope.where)) == (ScopeKind.FABRIC, {"fabric": "ib"})
    assert len(incident.members) == len(SERIES) / 2
    assert incident.effect.low is not None
    assert incident.effect.high is not None
    assert incident.effect.low < 1.25 < incident.effect.high
    assert (incident.since.label, incident.last_good and incident.last_good.label) == ("2026-03-29", "2026-03-28")
    assert all(len(member.measured_us) == 3 and member.confirmed for member in incident.members)
    assert found.to_confirm == ()


def test_without_a_second_look_the_same_loss_waits_for_a_second_night() -> None:
    nights = Nights(on_fabric(1.25, 28)).add(*HISTORY, 28)
    assert verdict(nights).outcome is Outcome.OK
    assert len(verdict(nights).to_confirm) == len(SERIES) / 2
    assert verdict(nights.add(29)).outcome is Outcome.REGRESSION


def test_one_bad_measurement_that_does_not_repeat_is_green() -> None:
    nights = Nights(on_one(1.4, 28, 28)).add(*HISTORY, 28)
    assert [suspect.series.series_id for suspect in verdict(nights).to_confirm] == [series_id(ONE)]
    nights.confirm(28, [series_id(ONE)], plant=lambda *_: 1.0)
    found = verdict(nights)
    assert (found.outcome, found.to_confirm) == (Outcome.OK, ())


def test_a_small_loss_of_one_series_is_found_the_second_night_and_named_as_that_series() -> None:
    nights = Nights(on_one(1.10, 28)).add(*HISTORY, 28)
    assert twice(nights, 28).outcome is not Outcome.LEARNING
    found = twice(nights.add(29), 29)
    (incident,) = found.incidents
    assert incident.scope.kind is ScopeKind.SERIES
    assert incident.members[0].series.series_id == series_id(ONE)
    assert incident.next_command == f"commbench history {series_id(ONE)}"


def test_an_incident_keeps_its_name_and_closes_after_two_good_nights() -> None:
    nights = Nights(on_fabric(1.25, 28, 31)).add(*HISTORY, 28)
    first = twice(nights, 28).incidents[0]
    seen = []
    for night in (29, 30, 31, 32, 33):
        found = twice(nights.add(night), night)
        seen.append([(each.incident_id == first.incident_id, each.state) for each in found.incidents])
    assert seen == [
        [(True, State.SEEN)], [(True, State.SEEN)], [(True, State.SEEN)], [(True, State.RECOVERING)],
        [(True, State.CLOSED)],
    ]  # fmt: skip
    assert verdict(nights.add(34)).incidents == ()


def test_the_baseline_is_frozen_while_an_incident_is_open() -> None:
    nights = Nights(on_fabric(1.25, 28)).add(*HISTORY, 28)
    twice(nights, 28)
    found = verdict(nights.add(*range(29, 48)))
    assert found.incidents[0].members[0].before_us == pytest.approx(50, rel=0.01)
    assert found.outcome is Outcome.REGRESSION


def test_an_accepted_level_is_the_level_from_then_on() -> None:
    nights = Nights(lambda night, series, hosts: 1.25 if 28 <= night < 40 else 1.5 if night >= 40 else 1.0)
    nights.add(*HISTORY, 28, 29, 30)
    (incident,) = verdict(nights).incidents
    ids = [member.series.series_id for member in incident.members]
    at = FIRST + dt.timedelta(days=30, hours=6)
    since = pd.Timestamp(incident.since.started_at or at)
    accepted = event("accepted", at=pd.Timestamp(at), series_ids=ids, since=since)
    assert verdict(nights, incidents=accepted).outcome is Outcome.OK
    assert verdict(nights.add(*range(31, 40)), incidents=accepted).outcome is Outcome.OK
    assert verdict(nights).outcome is Outcome.REGRESSION, "nobody accepted it in that store"
    assert verdict(nights.add(40, 41), incidents=accepted).outcome is Outcome.REGRESSION


def test_a_muted_series_is_no_reason_for_red_until_the_mute_ends() -> None:
    nights = Nights(on_one(1.3, 28)).add(*HISTORY, 28, 29)
    until = pd.Timestamp(FIRST + dt.timedelta(days=30))
    muted = event("muted", at=pd.Timestamp(FIRST), series_ids=[series_id(ONE)], until=until)
    quiet = verdict(nights, incidents=muted)
    assert (quiet.outcome, quiet.incidents[0].is_muted, quiet.muted) == (Outcome.OK, True, (series_id(ONE),))
    assert verdict(nights.add(30, 31), incidents=muted).outcome is Outcome.REGRESSION


def test_what_changed_between_the_last_good_and_the_first_bad_night_is_told() -> None:
    nights = Nights(on_fabric(1.25, 28)).add(*HISTORY)
    nights.environment["nccl_version"] = "2.29"
    (incident,) = twice(nights.add(28), 28).incidents
    assert [(each.fact, each.before, each.after, len(each.hosts)) for each in incident.environment] == [
        ("nccl_version", "2.28", "2.29", 8)
    ]


def test_a_bad_host_is_named_when_hosts_rotate_and_nobody_when_they_never_do() -> None:
    def plant(night: int, series: Series, hosts: tuple[str, ...]) -> float:
        return 1.25 if night >= 28 and "node3" in hosts else 1.0

    rotating = Nights(plant, rotate=True).add(*HISTORY)
    named = []
    for night in range(28, 36):
        found = twice(rotating.add(night), night)
        named += [incident.suspect.host for incident in found.incidents if incident.suspect]
    assert set(named) == {"node3"}
    still = Nights(plant).add(*HISTORY)
    for night in range(28, 30):
        found = twice(still.add(night), night)
    assert found.outcome is Outcome.REGRESSION
    assert all(incident.suspect is None for incident in found.incidents)


@pytest.mark.parametrize(("column", "value"), [("status", "wrong_result"), ("fabric_verdict", "contradicted")])
def test_a_wrong_or_contradicted_point_is_red_by_itself_and_enters_no_baseline(column: str, value: str) -> None:
    nights = Nights(on_one(3.0, 5, 24)).add(*HISTORY)
    of_one = (nights.points["series_id"] == series_id(ONE)) & nights.points["latency_p50_us"].gt(100)
    nights.points.loc[of_one, column] = value
    found = verdict(nights)
    assert found.outcome is Outcome.OK
    assert [each.series.series_id for each in found.learning] == [series_id(ONE)], "its bad nights are no history"
    nights.points.loc[nights.points.index[-1], column] = value
    found = verdict(nights)
    assert found.outcome is Outcome.REGRESSION
    assert [fault.what for fault in found.faults] == [value]


def test_an_improvement_is_a_note() -> None:
    found = verdict(Nights(on_fabric(0.8, 28)).add(*HISTORY, 28, 29))
    assert found.outcome is Outcome.OK
    assert {each.series.fabric for each in found.improvements} == {"ib"}
    assert all(each.effect < 0.85 for each in found.improvements)


def test_what_is_missing_is_said() -> None:
    nights = Nights().add(*range(10), *range(12, 28))
    last = nights.runs["run_id"].iloc[-1]
    nights.points = nights.points[~((nights.points["run_id"] == last) & (nights.points["series_id"] == series_id(ONE)))]
    nights.runs.loc[nights.runs.index[-1], ["exit_state", "reason"]] = ["partial", "out of time"]
    nights.runs["hosts"] = [*nights.runs["hosts"][:-1], ["node0", "node9"]]
    found = verdict(nights).missing
    assert found.nights == ("2026-03-11", "2026-03-12")
    assert [(point.series.series_id, point.last_seen) for point in found.points] == [(series_id(ONE), "2026-03-27")]
    assert [(run.exit_state, run.reason) for run in found.failed_runs] == [("partial", "out of time")]
    assert (found.hosts_new, len(found.hosts_gone)) == (("node9",), 7)


def test_a_night_without_points_is_missing_and_not_green() -> None:
    nights = Nights().add(*HISTORY)
    assert verdict(nights, night="2026-03-29").outcome is Outcome.MISSING
    half = nights.points["run_id"] == nights.runs["run_id"].iloc[-1]
    few = nights.points[~half | (nights.points["fabric"] == "nowhere")]
    assert judge(few, nights.runs).outcome is Outcome.MISSING


def test_a_night_can_be_judged_later_as_it_was_then() -> None:
    nights = Nights(on_fabric(1.25, 28)).add(*HISTORY)
    then = verdict(nights)
    later = verdict(nights.add(28, 29), night=then.night.label)
    assert later == then


def test_the_order_of_rows_says_nothing() -> None:
    nights = Nights(on_fabric(1.25, 28)).add(*HISTORY, 28, 29)
    shuffled = nights.points.sample(frac=1, random_state=1), nights.runs.sample(frac=1, random_state=2)
    assert judge(*shuffled) == verdict(nights)


def test_nights_of_other_lengths_and_runs_given_by_hand_are_nights_too() -> None:
    hourly = Calendar(length=dt.timedelta(hours=1))
    nights = Nights().add(*HISTORY)
    nights.runs["started_at"] = nights.points["started_at"] = pd.Timestamp(FIRST)
    by_hand = {run: f"2026-04-{place + 1:02d}" for place, run in enumerate(nights.runs["run_id"])}
    assert verdict(nights, calendar=hourly).history_nights == 0
    found = verdict(nights, calendar=Calendar(by_hand=by_hand))
    assert (found.night.label, found.history_nights) == ("2026-04-28", 27)


def test_what_begins_in_the_evening_and_is_repeated_after_midnight_is_one_night() -> None:
    calendar = Calendar()
    evening, after = dt.datetime(2026, 5, 2, 22, tzinfo=dt.UTC), dt.datetime(2026, 5, 3, 1, tzinfo=dt.UTC)
    assert calendar.number(evening) == calendar.number(after)
    assert calendar.label(calendar.number(after)) == "2026-05-03"
    assert calendar.number_of("2026-05-03") == calendar.number(after)


def test_what_cannot_be_judged_is_refused_with_a_way_out() -> None:
    nights = Nights().add(*range(3))
    with pytest.raises(UnfitError, match="commbench nightly"):
        judge(nights.points.assign(purpose="adhoc"), nights.runs.assign(purpose="adhoc"))
    with pytest.raises(UsageError, match="several clusters: lab, other"):
        judge(pd.concat([nights.points, nights.points.assign(cluster="other")]), nights.runs)
    with pytest.raises(UsageError, match="called by its date"):
        verdict(nights, night="yesterday")


def test_a_tail_that_grows_alone_is_a_tail_incident() -> None:
    nights = Nights().add(*HISTORY, 28, 29)
    bad = (nights.points["fabric"] == "roce") & nights.points["run_id"].isin(nights.runs["run_id"].iloc[-2:])
    nights.points.loc[bad, "latency_worst5_mean_us"] *= 1.3
    (incident,) = verdict(nights).incidents
    assert (incident.kind, incident.scope.label) == ("tail", "fabric roce")
    assert incident.effect.estimate == pytest.approx(1.3, rel=0.03)
    assert np.isfinite(incident.score)


def test_a_named_host_stays_named_though_its_re_runs_on_sound_hosts_are_fine_and_not_once_it_is_well() -> None:
    def plant(night: int, series: Series, hosts: tuple[str, ...]) -> float:
        return 1.25 if 28 <= night < 33 and "node3" in hosts else 1.0

    nights = Nights(plant, rotate=True).add(*HISTORY)
    states: list[tuple[str, State]] = []
    for night in range(28, 40):
        found = twice(nights.add(night), night)
        states += [(each.incident_id, each.state) for each in found.incidents if each.suspect]
    assert len({name for name, _ in states}) == 1, "one cause, told once"
    assert states[-1][1] is State.CLOSED
    assert [state for _, state in states].count(State.CLOSED) == 1


@given(st.floats(0.003, 0.2), st.floats(1.01, 5.0))
def test_a_noisier_series_takes_a_larger_loss_to_alarm_but_fewer_of_its_scales(scale: float, factor: float) -> None:
    bars = alarm_bar(np.array([[scale, factor * scale]]), np.array([False]), Rule())[0]
    assert bars[0] > bars[1]
    assert bars[0] * scale < bars[1] * factor * scale
