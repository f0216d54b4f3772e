"""The rule `decide = "3%"`: how many blocks a plan holds so that its fabrics' comparison can be decided."""

from collections.abc import Iterator, Sequence
from typing import Any

from commbench.errors import UsageError
from commbench.model.plan import FabricChoice
from commbench.plan.problems import Problem
from commbench.plan.suite import DEFAULT_MAX_LAUNCHES, Measure

_TWO = 2


def decide_share(measure: Measure) -> float:
    """Return the margin as a share, 0.03 for `3%`; 0 where the suite asks for no decision."""
    return float(measure.decide.removesuffix("%")) / 100 if measure.decide else 0.0


def most_blocks(measure: Measure, fabrics: Sequence[FabricChoice]) -> int:
    """Return how many blocks there may be: all of them are in the plan, and those not needed are skipped later.

    Raises:
        UsageError: there is nothing to decide, because fewer than two fabrics are measured.
    """
    if not measure.decide:
        return measure.launches
    if len(fabrics) < _TWO:
        raise UsageError(
            f"measure.decide compares fabrics, and {len(fabrics) or 'none'} is measured; name two in sweep.fabrics or "
            "with --fabrics"
        )
    return measure.max_launches


def decide_problems(measure: dict[str, Any], sweep: dict[str, Any]) -> Iterator[Problem]:
    """Yield the mistakes of a suite that asks for a decision, or has keys that only such a suite can have."""
    if "max_launches" in measure and "decide" not in measure:
        yield Problem(("measure", "max_launches"), "only with measure.decide; add it or remove the key")
    if "decide" not in measure:
        return
    fabrics = sweep.get("fabrics")
    if isinstance(fabrics, list) and len(fabrics) < _TWO:
        yield Problem(("measure", "decide"), "compares fabrics; name two or more in sweep.fabrics")
    fewest, most = measure.get("launches", 1), measure.get("max_launches", DEFAULT_MAX_LAUNCHES)
    if isinstance(fewest, int) and isinstance(most, int) and most < fewest:
        key = "max_launches" if "max_launches" in measure else "launches"
        yield Problem(("measure", key), f"launches is {fewest}, more than max_launches, which is {most}")
