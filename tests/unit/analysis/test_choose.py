"""Two sides whose truth is known, a workload and prices in; every line of the choice as counted by hand."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from commbench.analysis.choice import Choice, Line
from commbench.analysis.choice_input import EXAMPLES, Prices, Workload, load_prices, load_workload
from commbench.analysis.choice_step import Step, step_of
from commbench.analysis.choose import Rows, choose
from commbench.analysis.compare import Selected, compare
from commbench.analysis.comparison import Margin
from commbench.errors import UsageError
from commbench.report.choice_table import FORMATS, break_even_words, render
from tests.truth.two_sides import SIZES, Noise, sides

PRICES = {"currency": "USD", "years": 1.0, "fabrics": {"a": {"capex": 8766.0}, "b": {"per_hour": 0.5}}}


def measured(ratio: float = 1.25, sigma: float = 0.001, **changes: Any) -> tuple[Selected, Selected]:
    """Return ten sizes of all_reduce, 10 us on A and `ratio` times that on B, in eight blocks."""
    noise = Noise(cell=sigma, launch=0, block=0, drift=0).draw(np.random.default_rng(1), len(SIZES), 8)
    extra = {"link_rate_gbit_s": 2.0, "fabric_counters_json": "{}", "first_call_us": 1e6, **changes}
    a, b = sides(noise, ratio)
    return tuple(
        replace(each, points=each.points.assign(latency_mean_us=each.points["latency_p50_us"], **extra))
        for each in (a, b)
    )  # type: ignore[return-value]


def chosen(both: tuple[Selected, Selected], *workloads: Workload, prices: Prices | None = None) -> Choice:
    comparison = compare(*both, ("fabric",), Margin())
    return choose(comparison, (Rows(both[0].points), Rows(both[1].points)), workloads, prices)


def workload(**changes: Any) -> Workload:
    plain = {"name": "w", "compute_ms": 10.0, "messages": ({"collective": "all_reduce", "size": SIZES[0]},)}
    return Workload.model_validate(plain | changes)


def line(choice: Choice, name: str) -> Line:
    return next(each for each in choice.lines if each.name.startswith(name))


def test_latency_is_of_the_smallest_message_and_throughput_of_the_largest() -> None:
    found = chosen(measured())
    assert line(found, "p50, all_reduce 256 B").a.value == pytest.approx(10, rel=0.01)
    assert line(found, "p50").b.value == pytest.approx(12.5, rel=0.01)
    assert line(found, "worst of 500 calls").a.value == pytest.approx(30, rel=0.01)
    assert line(found, "busbw, all_reduce 64 MiB").a.value == pytest.approx(0.1, rel=0.01)


def test_busbw_is_held_against_all_links_of_a_host_that_carried_bytes() -> None:
    share = "busbw of the line rate"
    one = line(chosen(measured()), share).a
    assert one.value == pytest.approx(0.1 * 8 / 2, rel=0.01)
    assert one.note == "1 x 2 Gbit/s, one link assumed"
    counted = json.dumps({"h0": {"ib0": {"tx_bytes": 10}, "ib1": {"tx_bytes": 9}, "mgmt": {"tx_bytes": 0}}})
    two = line(chosen(measured(fabric_counters_json=counted)), share).a
    assert two.value == pytest.approx(0.1 * 8 / 4, rel=0.01)
    assert two.note == "2 x 2 Gbit/s"
    unknown = line(chosen(measured(link_rate_gbit_s=np.nan)), share).a
    assert unknown.value is None
    assert "line rate not known" in unknown.why


def times(*of_sizes: tuple[int, float]) -> pd.DataFrame:
    rows = [{"collective": "all_reduce", "size_bytes": size, "latency_mean_us": time_us} for size, time_us in of_sizes]
    return pd.DataFrame(rows)


def test_a_step_loses_what_computing_does_not_hide() -> None:
    rows = times((1024, 1000.0), (4096, 4000.0))
    messages = ({"collective": "all_reduce", "size": "2KiB", "calls": 5},)
    step = step_of(workload(messages=messages, overlap_share=0.75), rows)
    assert isinstance(step, Step)
    assert step.communication_ms == pytest.approx(10.0)
    assert step.exposed_ms == pytest.approx(2.5)
    assert step.lost_share == pytest.approx(2.5 / 12.5)
    much = step_of(workload(messages=messages, overlap_share=1.0, compute_ms=4.0), rows)
    assert isinstance(much, Step)
    assert much.exposed_ms == pytest.approx(6.0), "4 ms of computing hide no more than 4 ms"


def test_beyond_the_measured_sizes_nothing_is_made_up() -> None:
    messages = ({"collective": "all_reduce", "size": "8KiB"},)
    assert step_of(workload(messages=messages), times((1024, 1.0), (4096, 4.0))) == (
        "all_reduce of 8 KiB was not measured, only 1 KiB to 4 KiB"
    )
    other = workload(messages=({"collective": "broadcast", "size": "1KiB"},))
    assert step_of(other, times((1024, 1.0))) == "broadcast of 1 KiB was not measured"


def test_without_workload_prices_or_lost_ranks_the_table_says_so() -> None:
    found = chosen(measured())
    assert line(found, "step lost to communication").a.why == "workload not given"
    assert line(found, "cost per effective GB/s").b.why == "prices not given"
    assert line(found, "killed rank to next good call").a.why.startswith("not measured")
    assert break_even_words(found) == "break-even: not known, prices not given"


def test_cost_is_spread_over_the_years_and_over_the_bandwidth() -> None:
    found = chosen(measured(), prices=Prices.model_validate(PRICES))
    hourly = line(found, "fabric, by the hour")
    assert hourly.a.value == pytest.approx(1.0)
    assert hourly.b.value == pytest.approx(0.5)
    assert line(found, "per effective GB/s, by the hour").a.value == pytest.approx(10, rel=0.01)
    assert line(found, "fabric, of the purchase").b.why == "purchase not given"


@pytest.mark.parametrize(("cluster", "pays", "needed"), [(None, False, 1.0), (9.5, True, 0.05), (1.5, None, 0.25)])
def test_the_dearer_fabric_pays_from_the_gain_that_its_price_needs(
    cluster: float | None, pays: bool | None, needed: float
) -> None:
    """A step is all communication here, nearly: A makes 25 % more steps; alone, A must double what B brings."""
    rest = {"cluster": {"per_hour": cluster}} if cluster is not None else {}
    steps = workload(compute_ms=1e-6)
    found = chosen(measured(sigma=0.002), steps, prices=Prices.model_validate(PRICES | rest)).break_even
    assert found is not None
    assert found.dearer == "a"
    assert found.needed == pytest.approx(needed, abs=1e-4)
    assert found.low <= 0.25 <= found.high
    assert found.pays is pays


def test_swapping_the_sides_changes_nothing_about_what_pays() -> None:
    a, b = measured()
    prices = Prices.model_validate(PRICES)
    there, back = (chosen(both, workload(), prices=prices).break_even for both in ((a, b), (b, a)))
    assert there is not None
    assert back is not None
    assert back.dearer == there.dearer
    assert (back.measured, back.low, back.high) == pytest.approx((there.measured, there.low, there.high))


def test_recovery_is_from_the_lost_point_to_the_end_of_the_next_good_first_call() -> None:
    a, b = measured()
    first = a.points.index[(a.points["block"] == 0)][3]
    points = a.points.copy()
    points.loc[points["block"] == 0, "started_at"] += pd.to_timedelta(np.arange((points["block"] == 0).sum()), unit="s")
    points.loc[first, "status"] = "timeout"
    comparison = compare(a, b, ("fabric",), Margin())
    found = choose(comparison, (Rows(points), Rows(b.points)))
    figure = line(found, "killed rank to next good call").a
    assert figure.value == pytest.approx(1.0 + 1.0)
    assert figure.note == "at most; worst of 1"


@pytest.mark.parametrize("fmt", FORMATS)
def test_every_format_holds_names_and_says_what_is_missing(fmt: str) -> None:
    text = render(chosen(measured()), fmt)
    assert "prices not given" in text
    assert "busbw" in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("currency = 'USD'", "fabrics"),
        ("currency = 'USD'\n[fabrics.ib]\ncapx = 3", "capx"),
        ("currency = 'USD'\n[fabrics.ib]\ncapex = -3.0", "greater than or equal to 0"),
        ("currency = 'USD'\n[fabrics.ib]\npower_w = 3.0", "power_w needs power_price_per_kwh"),
        ("currency = ", "not TOML"),
    ],
)
def test_a_mistake_in_the_prices_is_one_clear_message(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "prices.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        load_prices(path)


def test_a_workload_names_known_collectives_and_sizes_in_words(tmp_path: Path) -> None:
    path = tmp_path / "step.toml"
    text = 'name = "mine"\ncompute_ms = 10\n[[messages]]\ncollective = "{}"\nsize = "25MiB"\ncalls = 4\n'
    path.write_text(text.format("all_reduce"))
    assert load_workload(path).messages[0].size_bytes == 25 * 2**20
    path.write_text(text.format("all_redcue"))
    with pytest.raises(UsageError, match="did you mean 'all_reduce'"):
        load_workload(path)


def test_the_files_that_the_documentation_shows_are_right(tmp_path: Path) -> None:
    blocks = (Path(__file__).parents[3] / "docs" / "compare.md").read_text().split("```toml\n")[1:]
    path = tmp_path / "shown.toml"
    path.write_text(blocks[0].partition("```")[0])
    assert load_workload(path).name == "my model"
    path.write_text(blocks[1].partition("```")[0])
    assert set(load_prices(path).fabrics) == {"infiniband", "roce"}


def test_without_the_price_of_the_cluster_bandwidth_is_what_pays() -> None:
    without, whole = (
        chosen(measured(), workload(), prices=Prices.model_validate(PRICES | rest)).break_even
        for rest in ({}, {"cluster": {"per_hour": 1.0}})
    )
    assert without is not None
    assert whole is not None
    assert without.basis.startswith("busbw of all_reduce 64 MiB")
    assert whole.basis.startswith("steps of w against the price of the whole cluster")


def test_the_built_in_workloads_are_called_examples() -> None:
    assert all(each.name.startswith("example: ") for each in EXAMPLES)
