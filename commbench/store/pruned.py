"""What was pruned: a list beside the datasets for every time, so that what is gone on purpose is not taken for lost."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from commbench.store import layout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from commbench.store.medium import Medium


def note(medium: "Medium", keys: "Sequence[str]", now: datetime) -> None:
    """Write down that these keys are about to be removed.

    Raises:
        StoreUnavailableError: the store cannot be written.
    """
    at = now.astimezone(UTC)
    text = json.dumps({"at": at.isoformat(timespec="seconds"), "keys": list(keys)}, indent=1) + "\n"
    medium.put(f"{layout.PRUNED}/{at:%Y%m%d-%H%M%S}-{uuid4().hex[:8]}.json", text.encode())


def noted(medium: "Medium") -> frozenset[str]:
    """Return every key that was pruned; a list that cannot be read counts as none."""
    keys: set[str] = set()
    for each in medium.keys(layout.PRUNED):
        try:
            keys.update(map(str, json.loads(medium.read(each))["keys"]))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return frozenset(keys)
