"""What looks back on nights say: the self-test of the rule on a store's own noise, and a series' levels."""

from commbench.analysis.nightly.history import History
from commbench.analysis.nightly.selftest import SelfTest, SelfTests
from commbench.report.listing import aligned
from commbench.report.nightly_words import change_words
from commbench.report.words import count_of, one_line, time_us

_TITLES = ("alarm_scales", "found in 2 nights", "median delay", "false alarms a month", "measured again", "")
_RIGHT = set(_TITLES[:-1])
_LEVELS = ("from", "to", "nights", "median", "change")


def selftest_table(found: SelfTests, default: float) -> str:
    """Return what each constant of the rule is worth on these nights, and which to use; `default` is the rule's own."""
    head = (
        f"# losses of {found.share:.3g} of the bandwidth, planted {len(found.tests[0].planted)} times into the last "
        f"{count_of(found.nights, 'night')} of {found.series} series\n"
        "# nights as they are count as good: a loss that really happened in them shows as a false alarm\n"
    )
    rows = [_cells(test, default, found.advised) for test in found.tests]
    return f"{head}{aligned(_TITLES, _RIGHT, rows)}{_advice(found, default)}\n"


def _cells(test: SelfTest, default: float, advised: float | None) -> list[str]:
    notes = [word for word, of in (("default", default), ("advised", advised)) if test.alarm_scales == of]
    delay = "" if test.median_delay_nights is None else f"{test.median_delay_nights:g} nights"
    return [
        f"{test.alarm_scales:g}",
        f"{test.recall:.0%}",
        delay,
        f"{test.false_nights_a_month:.2f}",
        f"{test.extra_share:.1%}",
        ", ".join(notes),
    ]


def _advice(found: SelfTests, default: float) -> str:
    if found.advised is None:
        return (
            "no constant keeps false alarms below one in two months here: look for nights that really were bad, and "
            "for points with few iterations"
        )
    if found.advised == default:
        return f"alarm_scales = {default:g}, the default, suits these nights"
    return f"alarm_scales = {found.advised:g} would suit these nights better than the default, {default:g}"


def missed_lines(found: SelfTests, default: float) -> str:
    """Return the planted losses that the default does not find in time, one line each."""
    own = next((test for test in found.tests if test.alarm_scales == default), None)
    late = [each for each in own.planted if each.delay is None or each.delay > 2] if own else []  # noqa: PLR2004
    return "".join(
        f"late: {each.scope}, {each.series} series, from {each.night}: "
        f"{'not found' if each.delay is None else f'night {each.delay}'}\n"
        for each in late
    )


def history_table(history: History) -> str:
    """Return the levels of a series, each with what it changed by."""
    unit = "GB/s" if history.metric.endswith("gb_s") else "us"
    head = f"# {one_line(history.series.label)}: {history.metric} ({unit}), {count_of(len(history.nights), 'night')}\n"
    sign = -1 if unit == "GB/s" else 1
    rows = [
        [
            segment.first,
            segment.last,
            str(segment.nights),
            time_us(segment.median),
            "" if segment.ratio is None else change_words(segment.ratio**sign),
        ]
        for segment in history.segments
    ]
    note = "" if len(rows) > 1 else "no change of level\n"
    return f"{head}{aligned(_LEVELS, {'nights', 'median'}, rows)}{note}"
