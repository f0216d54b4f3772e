"""What looks back on nights say."""

from dataclasses import replace

from commbench.analysis.nightly.history import History, Segment
from commbench.analysis.nightly.selftest import Planted, SelfTest, SelfTests
from commbench.report.nightly_looks import history_table, missed_lines, selftest_table

from . import nightly_cases as cases

PLANTED = (
    Planted("fabric", 40, "2026-01-03", 1),
    Planted("series", 1, "2026-01-09", 4),
    Planted("series", 1, "2026-01-12", None),
    Planted("nodes", 8, "2026-01-15", 2),
)
TESTS = tuple(SelfTest(scales, 0.5, 1.5, 2.0 / scales, 0.07, PLANTED) for scales in (2.5, 3.5, 5.0))
FOUND = SelfTests(0.1, 60, 40, TESTS, 5.0)


def test_the_self_test_says_what_each_constant_is_worth_and_which_one_to_use() -> None:
    text = selftest_table(FOUND, 3.5)
    assert "losses of 0.1 of the bandwidth, planted 4 times into the last 60 nights of 40 series" in text
    (default,) = (line for line in text.splitlines() if line.endswith("default"))
    assert default.split()[:2] == ["3.5", "50%"]
    assert text.endswith("alarm_scales = 5 would suit these nights better than the default, 3.5\n")
    assert "the default, suits" in selftest_table(replace(FOUND, advised=3.5), 3.5)
    assert "no constant keeps false alarms" in selftest_table(replace(FOUND, advised=None), 3.5)


def test_losses_that_are_found_late_or_never_are_named() -> None:
    assert missed_lines(FOUND, 3.5).splitlines() == [
        "late: series, 1 series, from 2026-01-09: night 4",
        "late: series, 1 series, from 2026-01-12: not found",
    ]


def test_levels_say_from_when_to_when_and_what_changed_whichever_way_is_better() -> None:
    segments = (Segment("2026-01-01", "2026-01-20", 20, 100.0, None), Segment("2026-01-21", "2026-01-25", 5, 80.0, 0.8))
    times = History(cases.series(), "latency_p50_us", tuple("abc"), (1.0, 2.0, 3.0), segments)
    assert history_table(times).splitlines()[-1].endswith("20 % faster")
    assert history_table(replace(times, metric="busbw_gb_s")).splitlines()[-1].endswith("25 % slower")
    assert "no change of level" in history_table(replace(times, segments=segments[:1]))
