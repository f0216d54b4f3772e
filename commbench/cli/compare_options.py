"""What `compare`, `choose` and `report --compare` all ask: which two sides, by which numbers, against which margin."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from commbench.cli.options import share_in, split_names
from commbench.errors import UsageError

if TYPE_CHECKING:
    from commbench.analysis.comparison import Margin

_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def side_options(by: str, only: str = "") -> _Decorator:
    """Return the options that become the fields of `compare_sides.Asked`; `only` says with what else they go."""
    a, b = f'{only}Rows of the one side: "fabric=ib, nodes=4".', f"{only}Rows of the other side."
    return _all(
        click.option(
            "--by",
            default=by,
            show_default=True,
            metavar="COLUMN",
            help=f"{only}What A and B are values of: fabric ...",
        ),
        click.option("--a", "where_a", default="", metavar="WHERE", help=a),
        click.option("--b", "where_b", default="", metavar="WHERE", help=b),
        click.option(
            "--where",
            default="",
            metavar="WHERE",
            help=f"{only}What both sides have: run=latest, collective=all_reduce.",
        ),
    )


def verdict_options(only: str = "") -> _Decorator:
    """Return the options --metric and --margin, which `metrics_in` and `margin_in` read."""
    metric = f"{only}Of p50,p99,worst,busbw,mean; all that apply when absent."
    margin = f"{only}Differences below it do not matter.  [default: a run's own decide, else 3%]"
    return _all(
        click.option("--metric", default="", metavar="NAMES", help=metric),
        click.option("--margin", default="", metavar="SHARE", help=margin),
    )


def _all(*options: _Decorator) -> _Decorator:
    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def metrics_in(text: str) -> tuple[str, ...]:
    """Return the metrics that --metric names; none means all.

    Raises:
        UsageError: there is no such metric.
    """
    from commbench.analysis.compare_metrics import METRICS

    names = tuple(dict.fromkeys(split_names(text)))
    unknown = [name for name in names if name not in METRICS]
    if unknown:
        raise UsageError(f"--metric: no {', '.join(unknown)}; there are {', '.join(METRICS)}")
    return names


def margin_in(text: str) -> "Margin | None":
    """Return the margin that --margin asks for, None where it is absent.

    Raises:
        UsageError: it is no percentage between 0 and 100.
    """
    from commbench.analysis.comparison import Margin

    return Margin(share_in("--margin", text, "3%")) if text else None
