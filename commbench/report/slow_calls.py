"""The page's section on slow calls: how many there were, whom they are blamed on, and the largest of each cause."""

from collections.abc import Sequence

import pandas as pd

from commbench.report.markup import Markup, details, element, section, table
from commbench.report.series import series_of
from commbench.report.words import Row, count_of, is_null, largest_slow_calls, one_line, whole
from commbench.units import format_size

_COUNTS = ("late rank", "host", "transport", "slow time")
_SHOWN_AT_ONCE = 6
_NOTE = (
    "A slow call is one far outside what its point's calls do; it is blamed on a rank that came late, on a host whose "
    "rank had no CPU, or on the transport, and never left out. Slow time: the share of T (first arrival to last "
    "result) in calls whose T is more than twice its median. Often last: more often than chance allows. Checked: timed "
    "calls whose result was verified as well."
)


def slow_calls_section(points: pd.DataFrame, said: Sequence[str]) -> Markup:
    """Return every point with slow calls, those that lost most time first; nothing where nobody looked for them."""
    if "events_arrival" not in points or points["events_arrival"].isna().all():
        return Markup()
    rows = [(line.label, row.to_dict()) for line in series_of(points, said) for _, row in line.points.iterrows()]
    found = sorted(((label, row) for label, row in rows if _has_any(row)), key=lambda each: -_share(each[1]))
    if not found:
        return section("Slow calls", element("p", "None, and no rank was last more often than chance allows."))
    more = found[_SHOWN_AT_ONCE:]
    return section(
        "Slow calls",
        _listing(found[:_SHOWN_AT_ONCE]),
        details(f"{count_of(len(more), 'more point')} with slow calls", _listing(more)) if more else "",
        element("p", _NOTE, css="note"),
    )


def _listing(rows: Sequence[tuple[str, Row]]) -> Markup:
    titles = ("collective", "series", "size", "n", "checked", *_COUNTS, "largest slow calls", "often last")
    return table(titles, [_cells(label, row) for label, row in rows], ("size", "n", "checked", *_COUNTS))


def _share(row: Row) -> float:
    share = row["slow_time_share"]
    return 0.0 if is_null(share) else float(str(share))


def _has_any(row: Row) -> bool:
    found = sum(int(whole(row[f"events_{cause}"]) or 0) for cause in ("arrival", "host", "transport"))
    return bool(found or one_line(row["stragglers"]))


def _cells(label: str, row: Row) -> list[object]:
    return [
        one_line(row["collective"]),
        label,
        format_size(int(str(row["size_bytes"]))),
        whole(row["iterations"]),
        whole(row["verified_calls"]),
        *(whole(row[f"events_{cause}"]) for cause in ("arrival", "host", "transport")),
        "" if is_null(row["slow_time_share"]) else f"{_share(row):.2%}",
        largest_slow_calls(row),
        f"rank {stragglers}" if (stragglers := one_line(row["stragglers"])) else "",
    ]
