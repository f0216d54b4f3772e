"""Numbers and outcomes in words: what every view has in common when it prints one cell."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from commbench.model.evidence import Verdict
from commbench.model.result import Status
from commbench.statistics.headline import Method
from commbench.statistics.intervals import upper_bound_exists
from commbench.store.columns import MEASURED

Row = Mapping[Any, object]  # the columns of the points frame by name; a missing one counts as null

NOT_CHECKED = "N/A"  # what nccl-tests prints when the result was not checked
UNCLAIMED = "-"  # of a p99 that so few calls say nothing about
SIMULATED_NOTE = "SIMULATED: not a measurement"

_P99 = 0.99
_EACH_SIDE = 0.975  # a 95 % interval leaves half of the risk to each end: of the p99 there is one from 368 calls on

# From this many microseconds up a time has one decimal, none, an exponent: eight characters at most.
_TIME_DECIMALS = ((1e2, ".2f"), (1e4, ".1f"), (1e8, ".0f"))
_BANDWIDTH_DECIMALS = ((1e-4, ".0e"), (1e-1, ".4f"), (1e1, ".3f"), (1e2, ".2f"), (1e4, ".1f"))


def is_null(value: object) -> bool:
    """Return whether a cell holds nothing: None, NaN, NaT or pandas' NA."""
    return value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and math.isnan(value))


def imported_from(row: Row) -> str:
    """Return the tool whose output the row was imported from; empty when commbench measured it."""
    source = row.get("source")
    return "" if is_null(source) or source == MEASURED else one_line(source)


def imported_note(tool: str) -> str:
    """Return what every view says beside rows of another tool."""
    return f"IMPORTED from {tool}: not measured by commbench"


def one_line(value: object) -> str:
    """Return untrusted text fit for a terminal: one line, without control characters."""
    text = "" if is_null(value) else str(value)
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def time_us(value: object) -> str:
    """Return microseconds as a bare number of at most eight characters; empty when null."""
    return _decimals(value, _TIME_DECIMALS, ".2e")


def bandwidth(value: object) -> str:
    """Return GB/s as a bare number of at most six characters; empty when null, as nothing was timed."""
    return _decimals(value, _BANDWIDTH_DECIMALS, ".0f")


def skew(row: Row) -> str:
    """Return the median arrival skew in microseconds, or that it is below what the clocks can tell: twice their bound.

    On one clock a skew is the difference of two ranks' stamps, each off by the bound at most; taken without a clock it
    is that of two durations, and knows no bound.
    """
    value, bound = row.get("skew_p50_us"), row.get("clock_bound_us")
    if is_null(value) or is_null(bound) or row.get("method") != Method.ONE_CLOCK:
        return time_us(value)
    least = 2 * float(str(bound))
    return time_us(value) if float(str(value)) >= least else f"<{time_us(least)}"


def mean_time(row: Row) -> str:
    """Return the mean over calls in microseconds; of another tool the time that it printed."""
    return time_us(row.get("printed_time_us" if imported_from(row) else "time_mean_us"))


def mean_bandwidth(row: Row, name: str) -> str:
    """Return `algbw` or `busbw` of the mean call; of another tool, what it printed where its time gives none."""
    derived = row.get(f"{name}_mean_gb_s")
    return bandwidth(row.get(f"printed_{name}_gb_s") if is_null(derived) else derived)


def p99(row: Row, text: Callable[[object], str] = time_us) -> str:
    """Return what so many calls say of the p99: `-` for nothing, `<=` an upper bound, or the estimate.

    Of several launches it is the median of theirs, so each needs the calls. Empty where there is no p99 at all.
    """
    if is_null(row.get("latency_p99_us")):
        return ""
    fewest = row.get("fewest_iterations")
    calls = int(whole(row.get("iterations") if is_null(fewest) else fewest) or 0)
    if not upper_bound_exists(calls, _P99):
        return UNCLAIMED
    if not upper_bound_exists(calls, _P99, _EACH_SIDE):
        return f"<={text(row.get('latency_max_us'))}"  # so few calls are bounded by their worst and nothing less
    return text(row["latency_p99_us"])


def _decimals(value: object, steps: tuple[tuple[float, str], ...], beyond: str) -> str:
    if is_null(value):
        return ""
    number = float(str(value))
    if number == 0:
        return "0"
    return format(number, next((form for limit, form in steps if number < limit), beyond))


def whole(value: object) -> str:
    """Return a count without decimals, however pandas stores a column with nulls; empty when null."""
    return "" if is_null(value) else str(int(float(str(value))))


def exact(value: object) -> str:
    """Return an element's value as short as it is: `3`, not `3.0`."""
    return "?" if is_null(value) else f"{float(str(value)):.9g}"


def wrong(row: Row) -> str:
    """Return nccl-tests' `#wrong` cell."""
    return NOT_CHECKED if is_null(row.get("wrong_count")) else whole(row["wrong_count"])


def placement(row: Row) -> str:
    """Return where the receive buffer lies."""
    return "in place" if row.get("in_place") else "out of place"


def outcome(row: Row) -> str:
    """Return how a point ended, in words; empty when it ended well."""
    status = str(row.get("status"))
    reason = one_line(row.get("error"))
    if status == Status.OK:
        parts = (_contradiction(row), _launches(row), "" if _is_settled(row) else _not_converged(row))
        return "; ".join(words for words in parts if words)
    if status == Status.WRONG:
        return f"wrong result: {reason or _first_wrong(row)}"  # what was recorded also says when it was found
    return f"{status}: {reason or 'no reason was recorded'}"


def _contradiction(row: Row) -> str:
    """Return why the label of the fabric is wrong; empty when it is not known to be."""
    if row.get("fabric_verdict") != Verdict.CONTRADICTED:
        return ""
    return f"NOT {one_line(row.get('fabric'))}: {one_line(row.get('fabric_reason'))}"


def _is_settled(row: Row) -> bool:
    """Return whether there is nothing to say of the stopping rule: other tools have none."""
    return bool(row.get("converged", True)) or bool(imported_from(row))


def _launches(row: Row) -> str:
    """Return the range of the launches' medians: which of them was measured is chance."""
    launches = row.get("launches")
    if is_null(launches) or int(str(launches)) == 1 or is_null(row.get("launch_low_us")):
        return ""
    low, high = time_us(row.get("launch_low_us")), time_us(row.get("launch_high_us"))
    beyond = ", further apart than their own intervals" if row.get("launch_variance") else ""
    return f"p50 is the median of {launches} launches, from {low} to {high}{beyond}"


def _not_converged(row: Row) -> str:
    low, high, p50 = (row.get(f"latency_p50{end}_us") for end in ("_low", "_high", ""))
    if is_null(low) or is_null(high) or is_null(p50) or not p50:
        return "not converged"
    half = (float(str(high)) - float(str(low))) / 2 / float(str(p50))
    return f"not converged: p50 known within {half:.1%}"


def _first_wrong(row: Row) -> str:
    elements = f"{whole(row.get('wrong_count')) or 'unknown'} wrong elements"
    if is_null(row.get("wrong_rank")):
        return elements
    return (
        f"rank {whole(row['wrong_rank'])} element {whole(row.get('wrong_index'))}: "
        f"expected {exact(row.get('wrong_expected'))}, got {exact(row.get('wrong_got'))} ({elements})"
    )


def count_of(number: int, noun: str) -> str:
    """Return a number with its noun: `1 rank`, `4 ranks`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def largest_slow_calls(row: Row) -> str:
    """Return the largest slow call of each cause in words; empty where there is none, or an older commbench looked."""
    text = row.get("worst_events_json")
    events = [] if is_null(text) else json.loads(str(text))
    return "; ".join(f"{one_line(event['blame'])} (call {whole(event['call'])})" for event in events)
