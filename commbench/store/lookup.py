"""Find the run that a word on the command line means."""

from difflib import get_close_matches
from typing import TYPE_CHECKING

from commbench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

LATEST = "latest"
_SHOWN = 5  # candidates in a message


def find_run(text: str, run_ids: "Sequence[str]", place: object) -> str:
    """Return the run id that `latest`, a whole id or the beginning of one names; `run_ids` has the newest first.

    Raises:
        UsageError: no run or more than one is meant; the message names the candidates.
    """
    if not run_ids:
        raise UsageError(f"{place} holds no runs yet; make one with `commbench run smoke`, or choose another --store")
    if text == LATEST:
        return run_ids[0]
    if text in run_ids:
        return text
    candidates = [run_id for run_id in run_ids if text and run_id.startswith(text)]
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise UsageError(f"{text!r} begins {len(candidates)} runs; write more of one of {_list(candidates)}")
    close = get_close_matches(text, [LATEST, *run_ids], n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"the newest are {_list(run_ids)}"
    raise UsageError(f"no run {text!r} in {place}; {hint}")


def _list(run_ids: "Sequence[str]") -> str:
    more = f" and {len(run_ids) - _SHOWN} more" if len(run_ids) > _SHOWN else ""
    return ", ".join(run_ids[:_SHOWN]) + more
