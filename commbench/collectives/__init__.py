"""The collectives, one small file each.

To add one, copy the nearest file, change its row and name the object `COLLECTIVE`: planning, measuring,
checking, bandwidths, the simulated backend and the command line pick it up from here.
"""

from importlib import import_module
from pkgutil import iter_modules

from commbench.collectives.base import Collective
from commbench.errors import UsageError

_HELPERS = {"base", "of_point"}
_ROWS = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__) if module.name not in _HELPERS]
COLLECTIVES: dict[str, Collective] = {row.COLLECTIVE.name: row.COLLECTIVE for row in _ROWS}


def get(name: str) -> Collective:
    """Return the collective of that name.

    Raises:
        UsageError: there is none.
    """
    if name not in COLLECTIVES:
        raise UsageError(f"no collective {name!r}; there are {', '.join(COLLECTIVES)}")
    return COLLECTIVES[name]


__all__ = ["COLLECTIVES", "Collective", "get"]
