"""What the page of a comparison draws, against what its table says."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from commbench.analysis.compare import Selected, compare
from commbench.analysis.compare_curves import SeriesCurves, curves_of
from commbench.analysis.comparison import Comparison, Margin
from tests.truth.two_sides import Noise, sides

Sides = tuple[Selected, Selected]


def both(cells: int = 2, blocks: int = 7) -> Sides:
    return sides(Noise(cell=0.004).draw(np.random.default_rng(1), cells, blocks), 1.2)


def with_calls(of: Selected, calls: int) -> Selected:
    """Return the side with so many calls of every launch, 1 % of them in a bin ten times as late as the rest."""
    points = of.points.assign(iterations=calls, latency_max_us=1000.0)
    points["hist_bin"] = pd.Series([[400, 516]] * len(points), index=points.index)
    points["hist_count"] = pd.Series([[calls - 1, 1]] * len(points), index=points.index)
    return replace(of, points=points)


def drawn(found: Sides) -> tuple[Comparison, SeriesCurves]:
    comparison = compare(*found, ("fabric",), Margin(0.03))
    (series,) = curves_of(comparison, found[0].points, found[1].points)
    return comparison, series


@pytest.mark.parametrize("calls", [(500, 500), (100, 900)])
def test_the_worst_cases_that_are_drawn_are_those_of_equally_many_calls_that_the_table_compares(
    calls: tuple[int, int],
) -> None:
    a, b = both()
    comparison, series = drawn((with_calls(a, calls[0]), with_calls(b, calls[1])))
    in_table = [row.finding("worst") for row in comparison.rows]
    assert series.a.curves["worst"].middle == tuple(each.a for each in in_table if each)
    assert series.b.curves["worst"].middle == tuple(each.b for each in in_table if each)
    assert (series.b.curves["worst"].high[0] < 1000.0) == (calls[0] < calls[1]), "of 900 calls the one slow is rare"


def test_worst_cases_of_unequal_n_without_a_histogram_are_not_drawn_though_medians_are() -> None:
    a, b = both()
    _, series = drawn((a, replace(b, points=b.points.assign(iterations=900))))
    assert sorted(series.a.curves) == sorted(series.b.curves) == ["busbw", "p50"]


def test_the_band_holds_all_launches_of_the_worst_case() -> None:
    _, series = drawn(both())
    curve = series.a.curves["worst"]
    assert len(curve.sizes_bytes) == 2
    assert all(low < middle < high for low, middle, high in zip(curve.low, curve.middle, curve.high, strict=True))
