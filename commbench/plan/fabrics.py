"""The fabrics of a plan, and the launches that measure them side by side."""

from collections.abc import Sequence

from commbench.errors import UsageError
from commbench.fabric.names import INSIDE_HOST, KNOWN, TCP, canonical, plain
from commbench.model.plan import FabricChoice
from commbench.model.point import AUTO_FABRIC, SIMULATED
from commbench.plan.points import LaunchOf
from commbench.plan.suite import FabricTable, Suite
from commbench.plan.wording import closest

_PLAIN = FabricTable()


def fabric_choices(suite: Suite, backend: str, only: Sequence[str] = ()) -> tuple[FabricChoice, ...]:
    """Return the fabrics to measure in turn: those of the suite, or those that --fabrics names instead.

    Raises:
        UsageError: a name that is none, or a fabric that the backend cannot use.
    """
    names = tuple(only) or suite.sweep.fabrics
    choices = tuple(_choice(name, suite, backend) for name in names)
    if len({choice.name for choice in choices}) < len(choices):
        raise UsageError(f"fabrics {', '.join(names)}: one of them is named twice")
    return choices


def cross_hosts(suite: Suite, only: Sequence[str] = ()) -> bool:
    """Return whether a fabric that is measured is between hosts: ranks of one host would not use it."""
    names = tuple(only) or suite.sweep.fabrics
    return any(canonical(_table(name, suite)[1].kind or name) not in INSIDE_HOST for name in names)


def launches(repetitions: int, fabrics: Sequence[FabricChoice]) -> tuple[LaunchOf, ...]:
    """Return the launches in their order: in every block each fabric once, forth and back in turn (A B B A A B ...).

    So slow drift of the cluster hits all fabrics alike. Source: design 2.7.
    """
    names = [fabric.name for fabric in fabrics] or [AUTO_FABRIC]
    order = [(block, name) for block in range(repetitions) for name in (names if block % 2 == 0 else names[::-1])]
    return tuple(LaunchOf(index, block, name) for index, (block, name) in enumerate(order))


def _choice(name: str, suite: Suite, backend: str) -> FabricChoice:
    named, table = _table(name, suite)
    kind = canonical(table.kind or name)
    own = named or kind
    if kind not in KNOWN and not named and backend != "nccl":
        raise UsageError(
            f"no fabric {name!r} in suite {suite.about.name!r}{_guess(name, suite)}: the known ones are "
            f"{', '.join(KNOWN)}; others need a table [fabrics.{name}], or NCCL and its plugin of that name"
        )
    if backend == "gloo" and kind != TCP:
        raise UsageError(
            f"fabric {name!r} is {kind}, and gloo speaks TCP only; give it kind = 'tcp' and the interface in "
            f"[fabrics.{name}], or use backend = 'nccl'"
        )
    rate = table.link_rate_gbit_s or 0.0
    factor = table.time_factor if backend == SIMULATED else 1.0
    return FabricChoice(own, kind, table.interface, tuple(sorted(table.variables.items())), rate, factor)


def _table(name: str, suite: Suite) -> tuple[str, FabricTable]:
    """Return a suite's table of a fabric and its name there, ib or infiniband; without one, an empty table."""
    named = name if name in suite.fabrics else next((each for each in suite.fabrics if plain(each) == plain(name)), "")
    return named, suite.fabrics.get(named, _PLAIN)


def _guess(name: str, suite: Suite) -> str:
    guess = closest(name, suite.fabrics)
    return f" (did you mean {guess!r}?)" if guess else ""
